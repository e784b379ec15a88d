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


@pytest.mark.parametrize("replicas", [3])
def test_all_gather_joins_rows_in_order(strategy_of, replicas):
    found = run(strategy_of(replicas), replicas, distribute.all_gather)
    for rows in found:
        np.testing.assert_array_equal(rows, sum(PARTS[replicas], []))


@pytest.mark.parametrize("replicas", [3])
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


@pytest.mark.parametrize("replicas", [3])
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


@pytest.mark.parametrize("replicas", [3])
def test_rows_begin_after_those_of_earlier_replicas(strategy_of, replicas):
    found = run(strategy_of(replicas), replicas, distribute.first_row)
    sizes = [len(part) for part in PARTS[replicas]]
    np.testing.assert_array_equal(found, np.cumsum([0, *sizes[:-1]]))


@pytest.mark.parametrize("replicas", [3])
def test_the_mean_is_that_of_all_rows(strategy_of, replicas):
    found = run(strategy_of(replicas), replicas, distribute.mean_of_all)
    np.testing.assert_allclose(found, np.mean(sum(PARTS[replicas], [])))


def labels_of(rows):
    """Classes that a float32 could not tell from each other."""
    return 2**24 + tf.cast(rows, tf.int32)


@pytest.mark.parametrize("replicas", [3])
def test_labels_are_gathered_alone(strategy_of, replicas):
    found = run(
        strategy_of(replicas),
        replicas,
        lambda rows: distribute.gather_labels(labels_of(rows)),
    )
    for labels in found:
        np.testing.assert_array_equal(
            labels, labels_of(sum(PARTS[replicas], []))
        )


@pytest.mark.parametrize("replicas", [3])
def test_a_batch_is_gathered_with_its_labels(strategy_of, replicas):
    def batch(rows):
        return distribute.gather_batch(rows[:, None], labels_of(rows))

    everybody = sum(PARTS[replicas], [])
    rows, labels, numbers = run(strategy_of(replicas), replicas, batch)
    for each, classes in zip(rows, labels, strict=True):
        np.testing.assert_array_equal(each[:, 0], everybody)
        np.testing.assert_array_equal(classes, labels_of(everybody))
    np.testing.assert_array_equal(
        np.concatenate(numbers), np.arange(len(everybody))
    )


@pytest.mark.parametrize("replicas", [3])
@pytest.mark.parametrize("of_all_rows", [False, True])
def test_gradients_of_a_batch_are_exact(strategy_of, replicas, of_all_rows):
    def weighed(embeddings, labels):
        return tf.reduce_sum(
            tf.cast(labels, tf.float32) * embeddings[:, 0] ** 2
        )

    def slopes(rows):
        labels = tf.cast(rows, tf.int32)
        me = tf.distribute.get_replica_context().replica_id_in_sync_group
        with tf.GradientTape() as tape:
            tape.watch(rows)
            if of_all_rows:
                value, count = distribute.of_all_rows(
                    weighed, rows[:, None], labels
                )
            else:
                embeddings, labels, _ = distribute.gather_batch(
                    rows[:, None], labels
                )
                value, count = weighed(embeddings, labels), tf.size(labels)
            # Each replica makes use of it in its own way.
            value *= tf.cast(me + 1, tf.float32)
        return tape.gradient(value, rows), count

    found, counts = run(strategy_of(replicas), replicas, slopes)
    weight = sum(range(1, replicas + 1))
    for slope, rows in zip(found, PARTS[replicas], strict=True):
        rows = np.array(rows)
        np.testing.assert_allclose(slope, 2.0 * weight * rows * rows)
    assert counts == [len(sum(PARTS[replicas], []))] * replicas


def check_nothing_happens():
    rows = tf.constant([[1.0], [2.0]])
    assert distribute.all_gather(rows) is rows
    labels = tf.constant([3, 4])
    assert distribute.gather_labels(labels) is labels
    assert distribute.as_global_mean(rows) is rows
    assert distribute.first_row(rows) == 0
    assert distribute.mean_of_all(rows) == 1.5
    embeddings, labels, numbers = distribute.gather_batch(rows, [3, 4])
    assert embeddings is rows and labels == [3, 4]
    np.testing.assert_array_equal(numbers, [0, 1])
    value, count = distribute.of_all_rows(lambda x, y: x, rows, [3, 4])
    assert value is rows and count == 2


def test_one_replica_speaks_to_nobody():
    check_nothing_happens()


def test_nobody_speaks_outside_of_replicas(strategy_of):
    # As when Keras builds a model under a strategy's scope.
    with strategy_of(2).scope():
        check_nothing_happens()
