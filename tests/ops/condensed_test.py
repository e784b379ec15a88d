"""Tests of the softmax whose classes are divided."""

import numpy as np
import tensorflow as tf

from unpg_tf import ops

CLASSES, SCALE = 5, 16.0
COSINES = np.random.default_rng(0).uniform(-1, 1, [4, CLASSES])
LABELS = np.int32([4, 0, 3, 0])
# Two shards of three columns, of which the last one is no class.
SHARDS = np.split(np.pad(COSINES, [[0, 0], [0, 1]], constant_values=9), 2, 1)


def test_each_target_is_in_one_shard():
    found = [
        ops.targets_within(tf.constant(shard), LABELS - 3 * number)
        for number, shard in enumerate(SHARDS)
    ]
    own = COSINES[np.arange(4), LABELS]
    np.testing.assert_array_equal(found[0], np.where(LABELS < 3, own, 0))
    np.testing.assert_array_equal(found[1], np.where(LABELS < 3, 0, own))


def test_a_few_columns_weigh_what_all_classes_do():
    masses = [
        ops.log_mass_of_others(
            tf.constant(shard), LABELS - first, CLASSES - first, SCALE
        )
        for first, shard in zip((0, 3), SHARDS, strict=True)
    ]
    others = tf.reduce_logsumexp(masses, axis=0) / SCALE
    targets = tf.constant(COSINES[np.arange(4), LABELS])
    # The local batch is the second half of the global one.
    cosines, columns = ops.condensed_cosines(
        targets[2:], others[2:], LABELS[2:], LABELS, CLASSES
    )
    assert cosines.shape == (2, 5)
    np.testing.assert_allclose(
        ops.softmax_loss(cosines, columns, SCALE),
        ops.softmax_loss(tf.constant(COSINES), LABELS, SCALE)[2:],
        rtol=1e-12,
    )


def test_rows_of_one_class_have_one_column():
    _, columns = ops.condensed_cosines(
        tf.zeros(4), tf.zeros(4), LABELS, LABELS, CLASSES
    )
    assert len(set(columns.numpy()[[1, 3]])) == 1
    assert len(set(columns.numpy())) == 3


def test_a_label_out_of_range_is_nan_in_its_row():
    labels = tf.constant([4, CLASSES, -1])
    cosines, _ = ops.condensed_cosines(
        tf.zeros(3), tf.zeros(3), labels, labels, CLASSES
    )
    bad = np.isnan(cosines).any(axis=1)
    np.testing.assert_array_equal(bad, [False, True, True])


def test_no_other_class_weighs_next_to_nothing():
    mass = ops.log_mass_of_others(tf.ones([1, 2]), tf.constant([0]), 1, SCALE)
    assert -np.inf < mass.numpy()[0] < -1e29
