"""Tests of picking and replacing each row's target."""

import numpy as np
import pytest
import tensorflow as tf

from unpg_tf import ops

COSINES = np.arange(12, dtype=np.float64).reshape(3, 4)
LABELS = np.array([3, 0, 2], np.int32)


def test_picks_each_rows_target():
    targets = ops.targets_of(tf.constant(COSINES), LABELS)
    np.testing.assert_array_equal(targets, [3.0, 4.0, 10.0])


def test_a_label_out_of_range_is_nan_in_its_row_alone():
    labels = tf.constant([3, 4, -1])
    targets = ops.targets_of(tf.constant(COSINES), labels).numpy()
    np.testing.assert_array_equal(np.isnan(targets), [False, True, True])


def test_replaces_one_entry_of_each_row():
    new = tf.constant([-1.0, -2.0, -3.0], tf.float64)
    replaced = ops.replace_targets(tf.constant(COSINES), LABELS, new)
    expected = COSINES.copy()
    expected[[0, 1, 2], LABELS] = new
    np.testing.assert_array_equal(replaced, expected)


def test_a_replaced_target_out_of_range_is_nan():
    labels = tf.constant([3, 4, -1])
    replaced = ops.replace_targets(
        tf.constant(COSINES), labels, tf.zeros([3], tf.float64)
    )
    broken = np.isnan(replaced).any(axis=1)
    np.testing.assert_array_equal(broken, [False, True, True])


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("function", [lambda f: f, tf.function])
def test_gradients_go_where_the_values_come_from(dtype, function):
    cosines = tf.constant(COSINES, dtype)
    new = tf.constant([5.0, 6.0, 7.0], dtype)

    @function
    def slopes():
        with tf.GradientTape() as tape:
            tape.watch([cosines, new])
            replaced = ops.replace_targets(cosines, LABELS, new)
            targets = ops.targets_of(cosines, LABELS)
            total = tf.reduce_sum(replaced) + 5.0 * tf.reduce_sum(targets)
        return tape.gradient(total, [cosines, new])

    to_cosines, to_new = slopes()
    expected = np.ones_like(COSINES)
    expected[[0, 1, 2], LABELS] = 5.0
    np.testing.assert_array_equal(to_cosines, expected)
    np.testing.assert_array_equal(to_new, [1.0, 1.0, 1.0])
