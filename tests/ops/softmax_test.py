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
SHARES = [1e-9, 0.2, 0.9]


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
@pytest.mark.parametrize("share", [1.0, 0.2])
def test_no_mass_changes_nothing(mass, share):
    cosines = tf.constant(COSINES, tf.float32)
    without = ops.softmax_loss(cosines, LABELS, 64.0)
    with_it = ops.softmax_loss(cosines, LABELS, 64.0, tf.constant(mass), share)
    np.testing.assert_array_equal(with_it, without)


@pytest.mark.parametrize("share", SHARES)
@pytest.mark.parametrize("scale", [1.0, 16.0, 64.0])
def test_the_pairs_hold_a_share_at_most(scale, share):
    classes = np.exp(scale * COSINES).sum(axis=1)
    held = np.minimum(
        np.exp(scale * PAIRS).sum(), classes * share / (1 - share)
    )
    targets = COSINES[np.arange(len(LABELS)), LABELS]
    mass = tf.constant(log_mass_of(PAIRS, scale), tf.float64)
    losses = ops.softmax_loss(tf.constant(COSINES), LABELS, scale, mass, share)
    expected = np.log(held + classes) - scale * targets
    np.testing.assert_allclose(losses, expected, rtol=1e-12)


def test_gradients_in_a_bounded_row_are_a_mixture_of_two():
    cosines, share, scale = tf.constant(COSINES[:2]), 0.2, 8.0
    # Far above the bound in the one row, and below it in the other.
    mass = tf.math.log(tf.reduce_sum(tf.exp(scale * cosines), axis=1))
    mass += tf.constant([50.0, -2.0], tf.float64)

    def slopes_of(*arguments):
        with tf.GradientTape() as tape:
            tape.watch([cosines, mass])
            losses = ops.softmax_loss(cosines, LABELS[:2], scale, *arguments)
        return tape.gradient(
            losses, [cosines, mass], unconnected_gradients="zero"
        )

    (by_cosines, by_mass) = slopes_of(mass, share)
    (of_classes, _), unbounded = slopes_of(), slopes_of(mass)
    of_pairs = -scale * tf.one_hot(LABELS[0], 9, dtype=tf.float64)
    mixed = (1 - share) * of_classes[0] + share * of_pairs
    np.testing.assert_allclose(by_cosines[0], mixed, rtol=1e-12)
    np.testing.assert_allclose(by_mass[0], share, rtol=1e-12)
    np.testing.assert_array_equal(by_cosines[1], unbounded[0][1])
    np.testing.assert_array_equal(by_mass[1], unbounded[1][1])
    assert 0.1 < by_mass[1] < share


@pytest.mark.parametrize("mass", [-1e30, 0.0, 1e4])
@pytest.mark.parametrize("share", [1.0, *SHARES])
def test_extreme_logits_have_finite_gradients(mass, share):
    cosines = tf.constant([[1.0, -1.0, 1.0], [-1.0, 1.0, 1.0]])
    labels, mass = tf.constant([0, 0]), tf.constant(mass)
    with tf.GradientTape() as tape:
        tape.watch([cosines, mass])
        losses = ops.softmax_loss(cosines, labels, 1e4, mass, share)
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
