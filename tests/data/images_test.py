import numpy as np
import pytest
import tensorflow as tf

from unpg_tf.data import decode_image
from unpg_tf.data import resize


@pytest.fixture
def pixels():
    rng = np.random.default_rng(0)
    return rng.integers(0, 256, (12, 12, 4)).astype(np.uint8)


def test_an_image_of_the_size_keeps_its_pixels(pixels):
    contents = tf.io.encode_png(pixels[..., :3])
    np.testing.assert_array_equal(decode_image(contents, 12), pixels[..., :3])


def test_grey_becomes_three_channels_and_alpha_goes(pixels):
    grey = decode_image(tf.io.encode_png(pixels[..., :1]), 12)
    np.testing.assert_array_equal(grey, np.repeat(pixels[..., :1], 3, axis=2))
    alpha = decode_image(tf.io.encode_png(pixels), 12)
    np.testing.assert_array_equal(alpha, pixels[..., :3])


def test_jpeg_is_read(pixels):
    smooth = np.full((12, 12, 3), [200, 100, 50], np.uint8)
    image = decode_image(tf.io.encode_jpeg(smooth, quality=100), 12)
    np.testing.assert_allclose(image, smooth, atol=3)


def test_halving_averages_instead_of_dropping_pixels():
    # A checkerboard is grey to the antialiased, all black or white otherwise.
    board = 255 * (np.indices((16, 16)).sum(0) % 2).astype(np.uint8)
    image = decode_image(tf.io.encode_png(board[..., None]), 8)
    assert image.shape == (8, 8, 3) and image.dtype == tf.uint8
    np.testing.assert_allclose(image[1:-1, 1:-1], 127.5, atol=1)


def test_an_oblong_image_becomes_square(pixels):
    assert decode_image(tf.io.encode_png(pixels[:5]), 12).shape == (12, 12, 3)


def test_it_has_a_static_shape_in_a_graph(pixels):
    contents = tf.stack([tf.io.encode_png(pixels), tf.io.encode_png(pixels)])
    dataset = tf.data.Dataset.from_tensor_slices(contents)
    dataset = dataset.map(lambda x: decode_image(x, 7))
    assert dataset.element_spec == tf.TensorSpec([7, 7, 3], tf.uint8)
    assert len(list(dataset)) == 2


def test_resize_takes_batches_too(pixels):
    batch = tf.constant(pixels[None, ..., :3])
    one = resize(batch[0], 6)
    np.testing.assert_array_equal(resize(batch, 6)[0], one)
    np.testing.assert_array_equal(resize(batch, 12), batch)


def test_other_bytes_are_refused():
    with pytest.raises(tf.errors.InvalidArgumentError):
        decode_image(b"not an image", 8)
