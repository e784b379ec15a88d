"""Tests of what replicas say to each other."""

import numpy as np
import pytest
import tensorflow as tf

from unpg_tf import distribute

# The rows of each replica; one may have none.
PARTS = {2: [[1.0, 2.0, 3.0], [4.0, 5.0]], 3: [[1.0], [2.0, 3.0, 4.0], []]}


def run(strategy, replicas, function):
    """The results of a function of each replica's rows, a list by replica."""
    rows = strategy.experimental_distribute_values_from_function(
        lambda context: tf.constant(
            PARTS[replicas][context.replica_id_in_sync_group], tf.float32
        )
    )
    results = tf.function(lambda: strategy.run(function, [rows]))()
    return tf.nest.map_structure(
        lambda result: [
            r.numpy() for r in strategy.experimental_local_results(result)
        ],
        results,
    )


@pytest.mark.parametrize("replicas", [2, 3])
def test_all_gather_joins_rows_in_order(strategy_of, replicas):
    found = run(strategy_of(replicas), replicas, distribute.all_gather)
    for rows in found:
        np.testing.assert_array_equal(rows, sum(PARTS[replicas], []))


@pytest.mark.parametrize("replicas", [2, 3])
def test_gradients_come_back_from_all_replicas(strategy_of, replicas):
    def slopes(rows):
        me = tf.distribute.get_replica_context().replica_id_in_sync_group
        with tf.GradientTape() as tape:
            tape.watch(rows)
            squares = tf.square(distribute.all_gather(rows))
            # Each replica weighs the gathered rows in its own way.
            value = tf.cast(me + 1, tf.float32) * tf.reduce_sum(squares)
        return tape.gradient(value, rows)

    found = run(strategy_of(replicas), replicas, slopes)
    weight = sum(range(1, replicas + 1))
    for slope, rows in zip(found, PARTS[replicas], strict=True):
        np.testing.assert_allclose(slope, 2.0 * weight * np.array(rows))


@pytest.mark.parametrize("replicas", [2, 3])
def test_a_mean_of_means_becomes_one_mean(strategy_of, replicas):
    def value_and_slopes(rows):
        with tf.GradientTape() as tape:
            tape.watch(rows)
            values = distribute.as_global_mean(tf.square(rows))
            # As Keras does: the local mean, then that of the replicas.
            mean = tf.math.divide_no_nan(
                tf.reduce_sum(values), tf.cast(tf.size(values), tf.float32)
            )
            mean /= replicas
        return values, tape.gradient(mean, rows)

    values, slopes = run(strategy_of(replicas), replicas, value_and_slopes)
    count = len(sum(PARTS[replicas], []))
    for part, value, slope in zip(PARTS[replicas], values, slopes, strict=True):
        rows = np.array(part)
        np.testing.assert_allclose(value, rows**2, rtol=1e-6)
        np.testing.assert_allclose(slope, 2.0 * rows / count, rtol=1e-6)


@pytest.mark.parametrize("replicas", [2, 3])
def test_rows_are_numbered_through(strategy_of, replicas):
    numbers, counts = run(
        strategy_of(replicas), replicas, distribute.row_numbers
    )
    everybody = sum(PARTS[replicas], [])
    np.testing.assert_array_equal(
        np.concatenate(numbers), np.arange(len(everybody))
    )
    assert counts == [len(everybody)] * replicas


def check_nothing_happens():
    rows = tf.constant([[1.0], [2.0]])
    assert distribute.all_gather(rows) is rows
    assert distribute.as_global_mean(rows) is rows
    numbers, count = distribute.row_numbers(rows)
    np.testing.assert_array_equal(numbers, [0, 1])
    assert count == 2


def test_one_replica_speaks_to_nobody():
    check_nothing_happens()


def test_nobody_speaks_outside_of_replicas(strategy_of):
    # As when Keras builds a model under a strategy's scope.
    with strategy_of(2).scope():
        check_nothing_happens()
