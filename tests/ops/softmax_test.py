"""Tests of the unified softmax."""

import math

import numpy as np
import pytest
import tensorflow as tf

from tests import oracle
from unpg_tf import ops

RNG = np.random.default_rng(0)
COSINES = RNG.uniform(-1, 1, [6, 9])
LABELS = RNG.integers(0, 9, 6).astype("int32")
PAIRS = RNG.uniform(-1, 1, 15)


def log_mass_of(pairs, scale):
    return math.log(sum(math.exp(scale * s) for s in pairs))


@pytest.mark.parametrize("scale", [1.0, 16.0, 64.0])
def test_value_without_negatives(scale):
    losses = ops.softmax_loss(tf.constant(COSINES), LABELS, scale)
    expected = oracle.softmax_losses(COSINES, LABELS, scale)
    np.testing.assert_allclose(losses, expected, rtol=1e-12)


@pytest.mark.parametrize("scale", [1.0, 16.0, 64.0])
def test_one_number_stands_for_all_pairs(scale):
    mass = tf.constant(log_mass_of(PAIRS, scale), tf.float64)
    losses = ops.softmax_loss(tf.constant(COSINES), LABELS, scale, mass)
    expected = oracle.softmax_losses(COSINES, LABELS, scale, PAIRS)
    np.testing.assert_allclose(losses, expected, rtol=1e-12)


@pytest.mark.parametrize("mass", [-1e30, -200.0])
def test_no_mass_changes_nothing(mass):
    cosines = tf.constant(COSINES, tf.float32)
    without = ops.softmax_loss(cosines, LABELS, 64.0)
    with_it = ops.softmax_loss(cosines, LABELS, 64.0, tf.constant(mass))
    np.testing.assert_array_equal(with_it, without)


@pytest.mark.parametrize("mass", [-1e30, 0.0, 1e4])
def test_extreme_logits_have_finite_gradients(mass):
    cosines = tf.constant([[1.0, -1.0, 1.0], [-1.0, 1.0, 1.0]])
    mass = tf.constant(mass)
    with tf.GradientTape() as tape:
        tape.watch([cosines, mass])
        losses = ops.softmax_loss(cosines, tf.constant([0, 0]), 1e4, mass)
    assert np.isfinite(losses).all()
    for slope in tape.gradient(losses, [cosines, mass]):
        assert np.isfinite(slope).all()


def test_gradients_are_the_numeric_ones():
    mass = tf.constant(log_mass_of(PAIRS, 8.0), tf.float64)
    theory, numeric = tf.test.compute_gradient(
        lambda cosines, mass: ops.softmax_loss(cosines, LABELS, 8.0, mass),
        [tf.constant(COSINES), mass],
        delta=1e-5,
    )
    for here, there in zip(theory, numeric, strict=True):
        np.testing.assert_allclose(here, there, rtol=1e-6, atol=1e-8)
