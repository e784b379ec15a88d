import numpy as np
import pytest

from unpg_tf.data import Augmentation

SEED = [3, 1]
NONE = {"flip": 0.0}


@pytest.fixture
def images():
    rng = np.random.default_rng(0)
    return rng.integers(60, 120, (64, 9, 9, 3)).astype(np.uint8)


def test_strength_0_changes_nothing(images):
    augmented = Augmentation(**NONE)(images, SEED)
    np.testing.assert_array_equal(augmented, images)
    assert augmented.dtype == np.uint8


def test_flip_mirrors_about_as_many_as_it_says(images):
    augmented = Augmentation(flip=0.5)(images, SEED).numpy()
    pixels = images.astype(np.float32)
    same = np.isclose(augmented, pixels, atol=1e-3).all((1, 2, 3))
    mirrored = np.isclose(augmented, pixels[:, :, ::-1], atol=1e-3)
    mirrored = mirrored.all((1, 2, 3))
    assert (same ^ mirrored).all()
    # A binomial of 64 with p = 1/2: five standard deviations either way.
    assert 12 < mirrored.sum() < 52
    # Where the frame moves as well, by so little that nothing else changes.
    framed = Augmentation(flip=0.5, zoom=1e-9)(images, SEED)
    assert framed.dtype == np.float32
    np.testing.assert_allclose(framed, augmented, atol=1e-3)
    always = Augmentation(flip=1.0)(images, SEED)
    np.testing.assert_allclose(always, pixels[:, :, ::-1], atol=1e-3)


def test_zoom_and_shift_move_the_ends_of_a_ramp_about_their_places():
    ramp = np.broadcast_to(np.linspace(0, 255, 9)[:, None, None], (9, 9, 3))
    images = np.repeat(ramp[None], 400, axis=0).astype(np.float32)
    augment = Augmentation(flip=0.0, zoom=0.2, shift=0.1)
    augmented = augment(images, SEED).numpy()[:, :, 4, 0] / 255
    # Rows 2 and 6 of 0..8 stand at a quarter and three quarters of the side,
    # inside the image wherever the frame lies.
    side = 2 * (augmented[:, 6] - augmented[:, 2])
    centre = (augmented[:, 6] + augmented[:, 2]) / 2
    assert 0.8 <= side.min() < 0.82 and 1.18 < side.max() <= 1.2 + 1e-5
    assert 0.4 <= centre.min() < 0.41 and 0.59 < centre.max() <= 0.6 + 1e-5
    # Around the image as it is: five standard errors of a uniform's mean.
    assert abs(side.mean() - 1) < 5 * 0.2 / np.sqrt(3 * 400)
    assert abs(centre.mean() - 0.5) < 5 * 0.1 / np.sqrt(3 * 400)


def test_brightness_scales_each_image_by_its_own_factor(images):
    augmented = Augmentation(flip=0.0, brightness=0.3)(images, SEED).numpy()
    factors = (augmented / images).reshape(64, -1)
    assert np.ptp(factors, axis=1).max() < 1e-4
    assert 0.7 <= factors.min() < 0.8 and 1.2 < factors.max() <= 1.3


def test_contrast_keeps_the_mean_and_scales_the_distance_to_it(images):
    augmented = Augmentation(flip=0.0, contrast=0.5)(images, SEED).numpy()
    axes = (1, 2, 3)
    np.testing.assert_allclose(augmented.mean(axes), images.mean(axes), 1e-4)
    factors = augmented.std(axes) / images.std(axes)
    assert 0.5 <= factors.min() < 0.7 and 1.3 < factors.max() <= 1.5 + 1e-4


def test_saturation_keeps_grey_and_scales_the_distance_to_it(images):
    augmented = Augmentation(flip=0.0, saturation=1.0)(images, SEED).numpy()
    weights = np.array([0.299, 0.587, 0.114])
    np.testing.assert_allclose(augmented @ weights, images @ weights, 1e-4)
    spread = np.ptp(augmented, axis=3).mean((1, 2))
    factors = spread / np.ptp(images, axis=3).mean((1, 2))
    assert factors.min() < 0.2 and 1.8 < factors.max() <= 2 + 1e-4


def test_pixel_values_stay_in_range(images):
    augment = Augmentation(brightness=1.0, contrast=1.0, saturation=1.0)
    augmented = augment(2 * images, SEED).numpy()
    assert augmented.min() >= 0 and augmented.max() <= 255


def test_the_seed_decides(images):
    augment = Augmentation(zoom=0.2, brightness=0.2, contrast=0.2)
    first, again = augment(images, SEED), augment(images, SEED)
    np.testing.assert_array_equal(first, again)
    assert np.abs(first - augment(images, [3, 2])).max() > 1


@pytest.mark.parametrize("zoom", [0.0, 0.2])
def test_a_part_of_a_batch_changes_as_it_does_in_the_whole(images, zoom):
    augment = Augmentation(zoom=zoom, contrast=0.3)
    whole = augment(images, SEED)
    part = augment(images[48:], SEED, first=48)
    np.testing.assert_allclose(part, whole[48:], rtol=1e-5, atol=1e-3)


@pytest.mark.parametrize(
    ("name", "value"),
    [("flip", 1.1), ("zoom", 1.0), ("shift", -0.1), ("contrast", -1.0)],
)
def test_a_strength_out_of_range_is_named(name, value):
    with pytest.raises(ValueError, match=f"Expected {name}.*{value}"):
        Augmentation(**{name: value})
