"""Tests of the losses of pairs and triplets alone."""

import inspect
import json

import numpy as np
import pytest
import tensorflow as tf
from tensorflow import keras

from tests import heads
from tests import oracle
from unpg_tf import losses

ROWS, DIM, CLASSES = 12, 4, 4
EMBEDDINGS, LABELS, _ = heads.batch(ROWS, DIM, CLASSES)
UNITS = EMBEDDINGS / np.linalg.norm(EMBEDDINGS, axis=1, keepdims=True)
COSINES = UNITS @ UNITS.T
NAMES = [
    "TripletSemiHardLoss",
    "MultiSimilarityLoss",
    "CircleLoss",
    "NPairLoss",
    "SNPairLoss",
]


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
        # Exponentials of hundreds: their logarithms are added instead.
        total = -np.inf
        positives, negatives = pairs_of(i)
        for p in positives:
            for n in negatives:
                push = 256 * max(0, n + 0.25) * (n - 0.25)
                pull = -256 * max(0, 1.25 - p) * (p - 0.75)
                total = np.logaddexp(total, push + pull)
        found.append(np.logaddexp(0, total))
    return np.mean(found)


def npair():
    found = []
    for i in range(ROWS):
        p, n = pairs_of(i)
        rows = [np.log1p(sum(np.exp(16 * (s - t)) for s in n)) for t in p]
        found.append(np.mean(rows) if rows else 0.0)
    return np.mean(found)


def sn_pair():
    return oracle.sn_pair_loss(EMBEDDINGS, LABELS, 64)


@pytest.mark.parametrize(
    ("name", "naive"),
    zip(
        NAMES,
        [triplet, multi_similarity, circle, npair, sn_pair],
        strict=True,
    ),
)
def test_value_is_that_of_a_loop(name, naive):
    loss = getattr(losses, name)(embedding_dim=DIM)
    found = loss.call(LABELS, tf.constant(EMBEDDINGS, tf.float64))
    np.testing.assert_allclose(np.mean(found), naive(), rtol=1e-9)


# CircleLoss holds the weights of its pairs fixed, differences don't.
@pytest.mark.parametrize("name", [n for n in NAMES if n != "CircleLoss"])
def test_gradient_is_that_of_differences(name):
    loss = getattr(losses, name)(embedding_dim=DIM)

    def value(embeddings):
        embeddings = tf.convert_to_tensor(embeddings, tf.float64)
        return tf.reduce_mean(loss.call(LABELS, embeddings))

    rows = tf.constant(UNITS, tf.float64)
    with tf.GradientTape() as tape:
        tape.watch(rows)
        total = value(rows)
    found = tape.gradient(total, rows)
    np.testing.assert_allclose(found, oracle.gradient(value, UNITS), atol=1e-6)


@pytest.mark.parametrize("name", NAMES)
def test_columns_before_the_embedding_are_not_used(name):
    loss = getattr(losses, name)(embedding_dim=DIM)
    cosines = np.random.default_rng(0).normal(size=[ROWS, CLASSES])
    y_pred = tf.constant(np.concatenate([cosines, EMBEDDINGS], 1), tf.float32)
    with tf.GradientTape() as tape:
        tape.watch(y_pred)
        value = loss(LABELS, y_pred)
    np.testing.assert_allclose(value, loss(LABELS, y_pred[:, -DIM:]))
    slopes = tape.gradient(value, y_pred)
    assert not np.any(slopes[:, :-DIM])
    assert np.any(slopes[:, -DIM:])


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
    kind = getattr(losses, name)
    parameters = inspect.signature(kind.__init__).parameters
    numbers = {
        argument: np.float32(value)
        for argument, value in kind().get_config().items()
        if argument in parameters and isinstance(value, float)
    }
    assert numbers
    loss = kind(embedding_dim=np.int64(DIM), name="named", **numbers)
    json.dumps(loss.get_config())
    config = keras.utils.serialize_keras_object(loss)
    back = keras.utils.deserialize_keras_object(config)
    assert back.get_config() == loss.get_config()


@pytest.mark.parametrize(
    ("name", "arguments", "message"),
    [
        ("TripletSemiHardLoss", {"margin": 0}, "margin above 0.*margin=0"),
        ("MultiSimilarityLoss", {"beta": 0}, "alpha, beta above 0.*beta=0"),
        ("MultiSimilarityLoss", {"epsilon": -1}, "epsilon.*epsilon=-1"),
        ("CircleLoss", {"margin": 2}, r"margin in \[0, 1\].*margin=2"),
        ("CircleLoss", {"gamma": 0}, "gamma above 0.*gamma=0"),
        ("NPairLoss", {"scale": 0}, "scale above 0.*scale=0"),
        ("SNPairLoss", {"scale": 0}, "scale above 0.*scale=0"),
        ("NPairLoss", {"embedding_dim": 0}, "embedding_dim above 0.*=0"),
    ],
)
def test_refuses_arguments_out_of_range(name, arguments, message):
    with pytest.raises(ValueError, match=f"Expected {message}"):
        getattr(losses, name)(**arguments)


def test_refuses_what_it_cannot_tell_apart():
    loss = losses.NPairLoss(embedding_dim=DIM)
    with pytest.raises(ValueError, match="at least 4 columns"):
        loss(LABELS, EMBEDDINGS[:, 1:])
    # As float32, which Keras makes of labels, 2**24 + 1 is 2**24.
    with pytest.raises(tf.errors.InvalidArgumentError, match="Expected labels"):
        loss(LABELS + 2**24, EMBEDDINGS)
