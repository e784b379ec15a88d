"""Tests of which images a head with several centres a class keeps."""

import math

import numpy as np
import pytest
import tensorflow as tf

from unpg_tf import evaluation
from unpg_tf import layers

# Degrees in the plane: two centres of each class, the last one without images.
CENTERS = np.array([[0, 90], [200, 120], [10, 20]])
IMAGES = np.array([5, 80, 92, 100, 14, 120, 195, 230])
LABELS = np.array([0, 0, 0, 0, 0, 1, 1, 1])


def directions(degrees):
    angles = np.radians(degrees)
    return np.stack([np.cos(angles), np.sin(angles)], axis=-1)


def built(**arguments):
    arguments = {"centers_per_class": 2, "margin": 0.3, **arguments}
    head = layers.SubcenterArcFace(3, **arguments)
    head.build((None, 2))
    lengths = np.array([[[2.0], [0.1]]])
    head.centers.assign((lengths * directions(CENTERS)).reshape([3, 4]))
    return head


EMBEDDINGS = np.linspace(1, 9, 8)[:, np.newaxis] * directions(IMAGES)


@pytest.mark.parametrize(
    ("degrees", "expected"),
    [
        # 5 is 85 degrees from 90, and 14 is 76; 120 is 80 from 200.
        (75, [1, 2, 3, 6, 7]),
        (77, [1, 2, 3, 4, 6, 7]),
        (3, [2]),
        (180, range(8)),
    ],
)
def test_images_about_the_dominant_centre_are_kept(degrees, expected):
    kept = evaluation.keep_dominant(
        built(), EMBEDDINGS, LABELS, math.radians(degrees)
    )
    np.testing.assert_array_equal(kept.images, list(expected))
    np.testing.assert_array_equal(kept.dominant, [1, 0, 0])


def test_75_degrees_is_the_default():
    found = evaluation.keep_dominant(built(), EMBEDDINGS, LABELS).images
    np.testing.assert_array_equal(found, [1, 2, 3, 6, 7])


def test_the_head_is_arcface_with_the_dominant_centres():
    head = built(threshold=True, sample_rate=0.5)
    plain = evaluation.keep_dominant(head, EMBEDDINGS, LABELS).head
    assert type(plain) is layers.ArcFace
    assert (plain.margin, plain.threshold, plain.sample_rate) == (
        0.3,
        True,
        0.5,
    )
    rows = tf.constant(EMBEDDINGS, tf.float32)
    expected = np.cos(np.radians(IMAGES[:, np.newaxis] - [90, 200, 10]))
    np.testing.assert_allclose(plain(rows), expected, atol=1e-6)


def test_many_images_are_taken_by_parts(monkeypatch):
    expected = evaluation.keep_dominant(built(), EMBEDDINGS, LABELS).images
    monkeypatch.setattr("unpg_tf.evaluation.dominant._CHUNK", 3)
    found = evaluation.keep_dominant(built(), EMBEDDINGS, LABELS).images
    np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"head": layers.ArcFace(3)}, "a built SubcenterArcFace"),
        ({"embeddings": EMBEDDINGS[:, :1]}, "embeddings .n, 2., floats"),
        ({"embeddings": EMBEDDINGS * np.nan}, "finite embeddings"),
        ({"labels": LABELS[:2]}, "labels .n., integers"),
        ({"labels": LABELS + 2}, "labels from 0 to 2"),
        ({"max_angle": 0}, "max_angle in"),
        ({"max_angle": "75"}, "max_angle, a finite number"),
    ],
)
def test_a_wrong_argument_is_named(wrong, message):
    right = {"head": built(), "embeddings": EMBEDDINGS, "labels": LABELS}
    with pytest.raises(ValueError, match=f"Expected {message}.*Received: "):
        evaluation.keep_dominant(**{**right, **wrong})


def test_half_precision_is_long_enough():
    long = (400 * EMBEDDINGS / 3).astype("float16")
    found = evaluation.keep_dominant(built(), long, LABELS)
    np.testing.assert_array_equal(found.images, [1, 2, 3, 6, 7])


def test_the_plain_head_is_trained_again():
    head = built()
    head.trainable = False
    assert evaluation.keep_dominant(head, EMBEDDINGS, LABELS).head.trainable
