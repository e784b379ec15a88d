"""Resizing by matrix products, against TensorFlow's own."""

import numpy as np
import pytest
import tensorflow as tf

from unpg_tf.data import draw
from unpg_tf.data import resize
from unpg_tf.serving.resizing import resize_by_products


@pytest.mark.parametrize("size", [1, 7, 24, 112])
@pytest.mark.parametrize(
    "height, width",
    [(1, 1), (2, 300), (24, 23), (25, 24), (48, 48), (112, 113), (250, 250)],
)
def test_it_is_tensorflows_antialiased_resize(size, height, width):
    pixels = np.random.default_rng(1).integers(0, 256, (2, height, width, 3))
    images = tf.constant(pixels, tf.uint8)
    got = resize_by_products(images, size).numpy().astype(int)
    expected = resize(images, size).numpy().astype(int)
    # Means that end in a half, which rounding takes to either side.
    assert np.max(np.abs(got - expected)) <= 1
    assert np.mean(got != expected) < 0.04


def test_images_of_the_size_keep_their_pixels():
    images = draw([0, 1], [0, 0], 31)
    np.testing.assert_array_equal(resize_by_products(images, 31), images)
    uniform = np.full((1, 63, 10, 3), 255, np.uint8)
    assert np.all(resize_by_products(uniform, 31) == 255)


def test_shapes_may_be_unknown_when_it_is_traced():
    function = tf.function(
        lambda images: resize_by_products(images, 9),
        input_signature=[tf.TensorSpec([None, None, None, 3], tf.uint8)],
    )
    assert function.get_concrete_function().output_shapes == (None, 9, 9, 3)
    for shape in ((2, 5, 30, 3), (0, 5, 6, 3)):
        images = tf.zeros(shape, tf.uint8)
        assert function(images).shape == (shape[0], 9, 9, 3)
