"""Training images changed by TensorFlow Addons itself."""

import numpy as np
import pytest
import tensorflow as tf
import tensorflow_addons as tfa

from unpg_tf import data

COUNT, SIZE = 40, 16
IMAGES = np.random.default_rng(0).integers(0, 256, [COUNT, SIZE, SIZE, 3])
IMAGES = IMAGES.astype("uint8")
SEED = [3, 5]
PLAIN = data.Augmentation(flip=0.0)
OPTIONS = {
    "adjust_hsv_in_yiq": {"delta_hue": 0.4},
    "cutout": {"mask_size": [4, 4], "offset": [8, 8]},
    "equalize": {},
    "gaussian_filter2d": {"filter_shape": 5, "sigma": 2.0},
    "mean_filter2d": {},
    "median_filter2d": {},
    "rotate": {"angles": 0.2, "interpolation": "bilinear"},
    "sharpness": {"factor": 3.0},
}


@pytest.mark.parametrize("name", OPTIONS)
def test_a_part_of_the_images_is_changed_as_addons_does(name):
    augment = data.AddonsImages(PLAIN, name, OPTIONS[name], rate=0.5)
    found = np.array(augment(IMAGES, SEED))
    changed = getattr(tfa.image, name)(tf.constant(IMAGES), **OPTIONS[name])
    as_changed = (found == np.array(changed)).all((1, 2, 3))
    as_before = (found == IMAGES).all((1, 2, 3))
    assert (as_changed | as_before).all()
    assert 10 < (~as_before).sum() < 30


def test_a_part_of_a_batch_changes_as_in_the_whole():
    augment = data.AddonsImages(data.Augmentation(), "mean_filter2d")
    whole = augment(IMAGES, SEED)
    np.testing.assert_array_equal(augment(IMAGES[12:], SEED, 12), whole[12:])
    assert np.any(augment(IMAGES, [3, 6]) != whole)


def test_a_training_reads_changed_images():
    augment = data.AddonsImages(PLAIN, "equalize", rate=1.0)
    labels = np.arange(COUNT) % 4
    dataset = data.training_batches(IMAGES, labels, 8, augment=augment)
    images, _ = next(iter(dataset))
    expected = np.array(tfa.image.equalize(tf.constant(IMAGES)))
    expected = {image.tobytes() for image in expected.astype("float32")}
    assert {image.tobytes() for image in np.array(images)} <= expected


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        ("random_cutout", {}, "Expected an image operation of .*cutout"),
        ("sharpness", {"factors": 2}, "Expected arguments of tfa.image.sharp"),
    ],
)
def test_what_it_cannot_do_is_said(name, options, message):
    with pytest.raises(ValueError, match=message):
        data.AddonsImages(PLAIN, name, options)
