"""Tests of angles between unit vectors."""

import numpy as np
import pytest
import tensorflow as tf

from unpg_tf import ops

INSIDE = np.linspace(-0.999, 0.999, 41)
POLES = [-1.0, 1.0, -1.0 - 1e-6, 1.0 + 1e-6, -2.0, 2.0]


def test_angle_of_is_the_arc_cosine():
    angles = ops.angle_of(tf.constant(INSIDE))
    np.testing.assert_allclose(angles, np.arccos(INSIDE), rtol=1e-12)


@pytest.mark.parametrize("angle", [0.0, 0.5, 2.0, -0.3])
def test_add_angle_turns_the_angle(angle):
    turned = ops.add_angle(tf.constant(INSIDE), angle)
    expected = np.cos(np.arccos(INSIDE) + angle)
    np.testing.assert_allclose(turned, expected, atol=1e-12)


def test_add_angle_takes_an_angle_for_each_cosine():
    angles = np.linspace(0.0, 1.0, INSIDE.size)
    turned = ops.add_angle(tf.constant(INSIDE), tf.constant(angles))
    expected = np.cos(np.arccos(INSIDE) + angles)
    np.testing.assert_allclose(turned, expected, atol=1e-12)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(
    "function", [ops.angle_of, lambda x: ops.add_angle(x, 0.5)]
)
def test_poles_have_finite_values_and_gradients(function, dtype):
    cosines = tf.constant(POLES, dtype)
    with tf.GradientTape() as tape:
        tape.watch(cosines)
        values = function(cosines)
    assert values.dtype == dtype
    assert np.isfinite(values).all()
    assert np.isfinite(tape.gradient(values, cosines)).all()


def test_angle_at_the_poles_is_that_of_the_poles():
    # acos turns a rounding error of 1e-7 into an angle of sqrt(2e-7).
    angles = ops.angle_of(tf.constant([-1.0, 1.0]))
    np.testing.assert_allclose(angles, [np.pi, 0.0], atol=5e-4)


def test_gradient_vanishes_outside():
    cosines = tf.constant([-1.1, 1.1])
    with tf.GradientTape() as tape:
        tape.watch(cosines)
        angles = ops.angle_of(cosines)
    np.testing.assert_array_equal(tape.gradient(angles, cosines), [0.0, 0.0])


@pytest.mark.parametrize(
    "function", [ops.angle_of, lambda x: ops.add_angle(x, 0.5)]
)
def test_gradients_are_the_numeric_ones(function):
    theory, numeric = tf.test.compute_gradient(
        function, [tf.constant(INSIDE)], delta=1e-6
    )
    np.testing.assert_allclose(theory[0], numeric[0], rtol=1e-5, atol=1e-7)
