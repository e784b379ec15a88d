"""Tests of heads whose class centres are divided among replicas."""

import numpy as np
import pytest
import tensorflow as tf
from tensorflow import keras

from tests import heads
from unpg_tf import compat
from unpg_tf import distribute
from unpg_tf import layers
from unpg_tf import losses

# The shards of 3 replicas have 3, 3 and 1 classes.
CLASSES, DIM, SCALE = 7, 4, 16.0
EMBEDDINGS, LABELS, _ = heads.batch(5, DIM, CLASSES)
EMBEDDINGS = EMBEDDINGS.astype("float32")
LOSS = losses.UNPGLoss(SCALE, embedding_dim=DIM, reduction="none")


def make(name, **kwargs):
    normal = keras.initializers.RandomNormal(seed=2)
    head = heads.make(name, CLASSES, centers_initializer=normal, **kwargs)
    head.build((None, DIM))
    distribute.keep(head.centers)
    return head


def losses_and_slopes(head, embeddings, labels, condense):
    """[batch] losses, and the slopes of embeddings and of all one holds."""
    with tf.GradientTape() as tape:
        tape.watch(embeddings)
        if condense:
            cosines, columns = head.condensed(embeddings, labels, SCALE)
        else:
            cosines, columns = head(embeddings, labels, training=True), labels
        y_pred = tf.concat([cosines, embeddings], axis=1)
        values = LOSS(columns, y_pred)
    sources = [embeddings, compat.tf_variable(head.centers)]
    return values, *tape.gradient(values, sources)


@pytest.mark.parametrize("name", heads.NAMES)
def test_shards_say_what_the_whole_says(strategy_of, name):
    strategy = strategy_of(3)
    with strategy.scope():
        sharded = make(name, sharded=True)
    embeddings, labels = (
        strategy.experimental_distribute_values_from_function(
            lambda context, rows=rows: tf.constant(
                np.split(rows, [2, 2])[context.replica_id_in_sync_group]
            )
        )
        for rows in (EMBEDDINGS, LABELS)
    )
    found = strategy.run(losses_and_slopes, (sharded, embeddings, labels, True))
    whole = make(name)
    expected = losses_and_slopes(
        whole, tf.constant(EMBEDDINGS), tf.constant(LABELS), False
    )
    for parts, all_rows in zip(found, expected, strict=True):
        parts = strategy.experimental_local_results(parts)
        np.testing.assert_allclose(
            np.concatenate(parts)[: len(all_rows)],
            all_rows,
            rtol=1e-5,
            atol=1e-5 * np.abs(all_rows).max(),
        )
    for mine, other in zip(sharded.weights, whole.weights, strict=True):
        np.testing.assert_allclose(mine.numpy(), other.numpy(), rtol=1e-6)


@pytest.mark.parametrize("name", ["plain", "curricularface"])
def test_one_device_may_condense_too(name):
    rows = tf.constant(EMBEDDINGS), tf.constant(LABELS)
    found = losses_and_slopes(make(name, sharded=True), *rows, True)
    expected = losses_and_slopes(make(name), *rows, False)
    for mine, other in zip(found, expected, strict=True):
        np.testing.assert_allclose(mine, other, rtol=1e-4, atol=1e-6)


def test_a_sample_of_shards_is_refused():
    with pytest.raises(ValueError, match="Expected sample_rate=1"):
        layers.CosFace(CLASSES, sample_rate=0.1, sharded=True)


def test_other_strategies_are_refused():
    strategy = tf.distribute.experimental.CentralStorageStrategy(
        ["CPU:0", "CPU:1"]
    )
    head = layers.CosFace(CLASSES, sharded=True)
    with strategy.scope(), pytest.raises(ValueError, match="MirroredStrategy"):
        head.build((None, DIM))
