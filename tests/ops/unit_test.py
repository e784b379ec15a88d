"""Tests of directions and lengths."""

import hypothesis
import hypothesis.extra.numpy as numpy_strategies
import numpy as np
import pytest
import tensorflow as tf
from hypothesis import strategies

from unpg_tf import ops

# The oddest vectors, each the one before times something.
DIRECTION = np.array([0.6, -0.8])
FLOATS = strategies.floats(
    -(2.0**100), 2.0**100, width=32, allow_subnormal=False
)


def slopes_of(vectors):
    with tf.GradientTape() as tape:
        tape.watch(vectors)
        units, lengths = ops.unit_vectors(vectors)
        # A gradient along the rows alone would vanish by itself.
        total = tf.reduce_sum(units[:, :1]) + tf.reduce_sum(lengths)
    return tape.gradient(total, vectors)


@pytest.mark.parametrize("size", [1e30, 1e20, 1.0, 1e-20, 1e-28])
def test_any_size_has_its_direction_and_length(size):
    vectors = tf.constant([size * DIRECTION], tf.float32)
    units, lengths = ops.unit_vectors(vectors)
    np.testing.assert_allclose(units, [DIRECTION], rtol=1e-6)
    np.testing.assert_allclose(lengths, [size], rtol=1e-6)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("size", [1e37, 1e30, 1e-20, 1e-30, 1e-36, 1e-38, 0.0])
def test_values_and_gradients_are_finite(size, dtype):
    vectors = tf.constant([size * DIRECTION], dtype)
    for tensor in (*ops.unit_vectors(vectors), slopes_of(vectors)):
        assert tensor.dtype == dtype
        assert np.isfinite(tensor).all()


def test_zero_has_no_direction_and_no_length():
    units, lengths = ops.unit_vectors(tf.zeros([1, 3]))
    np.testing.assert_array_equal(units, [[0.0, 0.0, 0.0]])
    np.testing.assert_array_equal(lengths, [0.0])


def test_gradients_are_the_numeric_ones():
    vectors = tf.constant(np.random.default_rng(0).normal(size=[4, 3]))
    for output in (0, 1):
        theory, numeric = tf.test.compute_gradient(
            lambda x, output=output: ops.unit_vectors(x)[output],
            [vectors],
            delta=1e-6,
        )
        np.testing.assert_allclose(theory[0], numeric[0], rtol=1e-6, atol=1e-8)


@hypothesis.settings(deadline=None, derandomize=True, max_examples=50)
@hypothesis.given(numpy_strategies.arrays(np.float32, (3, 4), elements=FLOATS))
def test_every_finite_vector_is_finite_in_value_and_gradient(vectors):
    units, lengths = ops.unit_vectors(tf.constant(vectors))
    sizes = np.linalg.norm(units.numpy().astype(np.float64), axis=1)
    has_length = np.abs(vectors).max(axis=1) > 1e-29
    np.testing.assert_allclose(sizes[has_length], 1.0, rtol=1e-5)
    assert (sizes[~has_length] <= 1.0 + 1e-5).all()
    expected = np.linalg.norm(vectors.astype(np.float64), axis=1)
    np.testing.assert_allclose(lengths, expected, rtol=1e-5, atol=1e-29)
    assert np.isfinite(slopes_of(tf.constant(vectors))).all()
