"""Tests of the losses of pairs and triplets alone."""

import numpy as np
import pytest
import tensorflow as tf
from tensorflow import keras

from tests import heads
from unpg_tf import losses

ROWS, DIM, CLASSES = 12, 4, 4
EMBEDDINGS, LABELS, _ = heads.batch(ROWS, DIM, CLASSES)
UNITS = EMBEDDINGS / np.linalg.norm(EMBEDDINGS, axis=1, keepdims=True)
COSINES = UNITS @ UNITS.T
NAMES = ["TripletSemiHardLoss", "MultiSimilarityLoss", "CircleLoss"]
NAMES += ["NPairLoss"]


def pairs_of(i):
    """Cosines of row i to its positives and to its negatives."""
    others = [j for j in range(ROWS) if j != i]
    return (
        [COSINES[i, j] for j in others if LABELS[j] == LABELS[i]],
        [COSINES[i, j] for j in others if LABELS[j] != LABELS[i]],
    )


def triplet():
    found = []
    for i in range(ROWS):
        positives, negatives = (2 - 2 * np.array(p) for p in pairs_of(i))
        for d in positives:
            beyond = [n for n in negatives if n > d]
            chosen = min(beyond) if beyond else max(negatives)
            found.append(max(0.0, 0.2 + d - chosen))
    return np.mean(found)


def multi_similarity():
    found = []
    for i in range(ROWS):
        p, n = pairs_of(i)
        pulled = [s for s in p if s < max(n, default=-9) + 0.1]
        pushed = [s for s in n if s > min(p, default=9) - 0.1]
        pull = np.log1p(sum(np.exp(-2 * (s - 0.5)) for s in pulled)) / 2
        push = np.log1p(sum(np.exp(50 * (s - 0.5)) for s in pushed)) / 50
        found.append(pull + push)
    return np.mean(found)


def circle():
    found = []
    for i in range(ROWS):
        p, n = pairs_of(i)
        push = sum(np.exp(256 * max(0, s + 0.25) * (s - 0.25)) for s in n)
        pull = sum(np.exp(-256 * max(0, 1.25 - s) * (s - 0.75)) for s in p)
        found.append(np.log1p(push * pull))
    return np.mean(found)


def npair():
    found = []
    for i in range(ROWS):
        p, n = pairs_of(i)
        rows = [np.log1p(sum(np.exp(16 * (s - t)) for s in n)) for t in p]
        found.append(np.mean(rows) if rows else 0.0)
    return np.mean(found)


def value_and_slopes(strategy, name):
    """Loss of the global batch, and its gradient where it was fed in."""
    replicas = strategy.num_replicas_in_sync
    rows = ROWS // replicas
    loss = getattr(losses, name)(embedding_dim=DIM, reduction="none")

    def part(array):
        return strategy.experimental_distribute_values_from_function(
            lambda context: tf.constant(
                array[context.replica_id_in_sync_group * rows :][:rows]
            )
        )

    def step(labels, embeddings):
        with tf.GradientTape() as tape:
            tape.watch(embeddings)
            value = tf.reduce_sum(loss.call(labels, embeddings)) / ROWS
        return value, tape.gradient(value, embeddings)

    run = tf.function(lambda *batch: strategy.run(step, batch))
    values, slopes = run(part(LABELS), part(EMBEDDINGS))
    local = strategy.experimental_local_results
    return sum(local(values)), np.concatenate(local(slopes))


@pytest.mark.parametrize(
    "name, naive", zip(NAMES, [triplet, multi_similarity, circle, npair])
)
def test_value_is_that_of_a_loop(name, naive):
    loss = getattr(losses, name)(embedding_dim=DIM)
    found = loss.call(LABELS, tf.constant(EMBEDDINGS, tf.float64))
    np.testing.assert_allclose(np.mean(found), naive(), rtol=1e-9)


@pytest.mark.parametrize("name", NAMES)
def test_two_replicas_are_one_device(strategy_of, name):
    one = value_and_slopes(strategy_of(1), name)
    two = value_and_slopes(strategy_of(2), name)
    for here, there in zip(two, one, strict=True):
        np.testing.assert_allclose(here, there, rtol=1e-5, atol=1e-9)
    assert np.abs(one[1]).max() > 0


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("labels", [[0, 0, 0], [0, 1, 2]])
def test_without_pairs_gradients_are_finite(name, labels):
    rows = tf.constant(EMBEDDINGS[:3], tf.float32)
    with tf.GradientTape() as tape:
        tape.watch(rows)
        value = getattr(losses, name)(embedding_dim=DIM)(labels, rows)
    assert np.isfinite(value)
    assert np.isfinite(tape.gradient(value, rows)).all()


@pytest.mark.parametrize("name", NAMES)
def test_config_round_trip(name):
    loss = getattr(losses, name)(embedding_dim=DIM, name="named")
    config = keras.utils.serialize_keras_object(loss)
    back = keras.utils.deserialize_keras_object(config)
    assert back.get_config() == loss.get_config()
