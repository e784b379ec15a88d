"""Tests of cosines to class centres."""

import numpy as np
import pytest
import tensorflow as tf

from tests import oracle
from unpg_tf import ops

RNG = np.random.default_rng(0)
UNITS = oracle.unit(RNG.normal(size=[4, 3]))
CENTERS = RNG.normal(size=[5, 3])
WEIGHTS = RNG.normal(size=[4, 5])


def cosines_and_slopes(centers, units, product_dtype=None):
    with tf.GradientTape() as tape:
        tape.watch([centers, units])
        cosines = ops.cosines_to(centers, units, product_dtype)
        total = tf.reduce_sum(WEIGHTS.astype(cosines.dtype.name) * cosines)
    return cosines, tape.gradient(total, [centers, units])


def test_values_are_cosines():
    cosines = ops.cosines_to(tf.constant(CENTERS), tf.constant(UNITS))
    expected = oracle.cosines_of(UNITS, CENTERS)
    np.testing.assert_allclose(cosines, expected, rtol=1e-12)


def test_gradients_are_the_numeric_ones():
    theory, numeric = tf.test.compute_gradient(
        ops.cosines_to,
        [tf.constant(CENTERS), tf.constant(UNITS)],
        delta=1e-6,
    )
    for here, there in zip(theory, numeric, strict=True):
        np.testing.assert_allclose(here, there, rtol=1e-6, atol=1e-8)


@pytest.mark.parametrize("size", [1e-18, 1e-8, 1e8, 1e18])
def test_a_centres_length_does_not_matter(size):
    lengths = np.float32([[1.0], [size], [1.0], [size], [1.0]])
    centers = tf.constant(CENTERS, tf.float32)
    units = tf.constant(UNITS, tf.float32)
    expected, (expected_slopes, _) = cosines_and_slopes(centers, units)
    cosines, (to_centers, _) = cosines_and_slopes(lengths * centers, units)
    np.testing.assert_allclose(cosines, expected, rtol=1e-5, atol=1e-7)
    np.testing.assert_allclose(
        to_centers * lengths, expected_slopes, rtol=1e-4, atol=1e-5
    )


def test_a_zero_centre_is_finite():
    centers = tf.zeros([5, 3])
    cosines, slopes = cosines_and_slopes(centers, tf.constant(UNITS, "float32"))
    np.testing.assert_array_equal(cosines, np.zeros([4, 5]))
    for slope in slopes:
        assert np.isfinite(slope).all()


# A unit of the last place of a factor; and centres too short for float16.
@pytest.mark.parametrize(
    ("dtype", "precision"), [("bfloat16", 2**-8), ("float16", 2**-11)]
)
@pytest.mark.parametrize("size", [1.0, 1e-9])
def test_rounded_factors_change_little(dtype, precision, size):
    centers = tf.constant(size * CENTERS, tf.float32)
    units = tf.constant(UNITS, tf.float32)
    expected, slopes = cosines_and_slopes(centers, units)
    cosines, found = cosines_and_slopes(centers, units, dtype)
    assert cosines.dtype == tf.float32
    assert 0 < np.abs(cosines - expected).max() < precision
    for here, there in zip(found, slopes, strict=True):
        largest = np.abs(there).max()
        assert 0 < np.abs(here - there).max() < 4 * precision * largest
    # Only what is across a centre counts.
    along = tf.reduce_sum(found[0] * centers, axis=1)
    np.testing.assert_allclose(along, np.zeros(5), atol=1e-5)
