"""UniFace's head and loss: every class at one threshold."""

import math

import numpy as np
import pytest
import tensorflow as tf
from tensorflow import keras

from tests import heads
from tests import oracle
from unpg_tf import layers
from unpg_tf import losses
from unpg_tf import models

ROWS, DIM, CLASSES, SCALE, MARGIN = 8, 4, 6, 16.0, 0.3
EMBEDDINGS, LABELS, CENTERS = heads.batch(ROWS, DIM, CLASSES)
BIAS = np.linspace(2.0, 5.0, CLASSES)


def expected(embeddings, centers, biases):
    """The losses, a number at a time."""
    cosines = oracle.cosines_of(embeddings, centers)
    found = []
    for row, label in zip(cosines, LABELS, strict=True):
        total = 0.0
        for j, c in enumerate(row):
            z = SCALE * (c - MARGIN * (j == label)) - biases[j]
            z = min(max(z, -SCALE), SCALE)
            total += math.log1p(math.exp(-z if j == label else z))
        found.append(total)
    return np.array(found)


def built(per_class, dtype="float64"):
    head = layers.UniFace(CLASSES, MARGIN, SCALE, per_class, dtype=dtype)
    head.build((None, DIM))
    head.set_weights([CENTERS, BIAS if per_class else BIAS[0]])
    return head


@pytest.mark.parametrize("per_class", [False, True])
def test_value_and_gradients_are_those_of_the_oracle(per_class):
    head = built(per_class)
    loss = losses.UCELoss(SCALE, embedding_dim=DIM, reduction="none")
    embeddings = tf.constant(EMBEDDINGS)
    with tf.GradientTape() as tape:
        tape.watch(embeddings)
        cosines = head(embeddings, LABELS, training=True)
        # By `__call__` Keras would round it to float32.
        values = loss.call(LABELS, tf.concat([cosines, embeddings], axis=1))
    biases = BIAS if per_class else np.full(CLASSES, BIAS[0])
    wanted = expected(EMBEDDINGS, CENTERS, biases)
    np.testing.assert_allclose(values, wanted, rtol=1e-9)
    slopes = tape.gradient(values, [embeddings, *head.trainable_weights])

    def of_bias(bias):
        biases = bias if per_class else np.full(CLASSES, bias)
        return expected(EMBEDDINGS, CENTERS, biases).sum()

    functions = (
        (lambda x: expected(x, CENTERS, biases).sum(), EMBEDDINGS),
        (lambda x: expected(EMBEDDINGS, x, biases).sum(), CENTERS),
        (of_bias, BIAS if per_class else np.array(BIAS[0])),
    )
    for slope, (function, point) in zip(slopes, functions, strict=True):
        numeric = oracle.gradient(function, point)
        np.testing.assert_allclose(slope, numeric, atol=1e-6)


def test_without_labels_cosines_are_plain():
    cosines = built(True)(tf.constant(EMBEDDINGS), training=True)
    plain = oracle.cosines_of(EMBEDDINGS, CENTERS)
    np.testing.assert_allclose(cosines, plain, atol=1e-12)


def test_the_threshold_starts_where_the_paper_has_it():
    head = layers.UniFace(1000)
    head.build((None, DIM))
    assert float(head.get_weights()[1]) == pytest.approx(math.log(10_000))


def compiled(head=None, loss=None, strategy=None):
    strategy = strategy or tf.distribute.get_strategy()
    with strategy.scope():
        normal = keras.initializers.RandomNormal(seed=1)
        dense = keras.layers.Dense(DIM, kernel_initializer=normal)
        model = models.EmbeddingModel(
            keras.Sequential([keras.Input([DIM]), dense]),
            head
            or layers.UniFace(
                CLASSES, MARGIN, SCALE, centers_initializer=normal
            ),
        )
        model.compile(
            keras.optimizers.SGD(0.1),
            loss or losses.UCELoss(SCALE, embedding_dim=DIM),
        )
    return model


@pytest.mark.parametrize("replicas", [2, 3])
def test_replicas_train_as_one_device(strategy_of, replicas, tmp_path):
    one, many = compiled(), compiled(strategy=strategy_of(replicas))
    dataset = tf.data.Dataset.from_tensor_slices((EMBEDDINGS, LABELS)).batch(5)
    histories = [m.fit(dataset, epochs=2, verbose=0) for m in (one, many)]
    first, second = (history.history["loss"] for history in histories)
    np.testing.assert_allclose(second, first, rtol=1e-5)
    for here, there in zip(many.get_weights(), one.get_weights(), strict=True):
        np.testing.assert_allclose(here, there, rtol=1e-4, atol=1e-5)
    one.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    value = one.evaluate(EMBEDDINGS, LABELS, verbose=0)
    assert loaded.evaluate(EMBEDDINGS, LABELS, verbose=0) == value
    assert float(loaded.head.get_weights()[1]) != math.log(10 * CLASSES)


@pytest.mark.parametrize(
    ("parts", "message"),
    [
        (
            {"loss": losses.UNPGLoss(SCALE, embedding_dim=DIM)},
            "UCELoss with a UniFace head",
        ),
        (
            {"loss": losses.UCELoss(32.0, embedding_dim=DIM)},
            "the scale of the UniFace head, 16.0. Received: scale=32.0",
        ),
        (
            {"head": layers.CosFace(CLASSES)},
            "a USS or UniFace head with UCELoss. Received: head='CosFace'",
        ),
    ],
)
def test_what_does_not_fit_is_refused(parts, message):
    with pytest.raises(ValueError, match=f"Expected .*{message}"):
        compiled(**parts)


def test_a_head_that_comes_later_has_to_fit_too():
    model = compiled()
    model.head = layers.CosFace(CLASSES)
    with pytest.raises(
        ValueError, match="Expected a USS or UniFace head with UCE"
    ):
        model.fit(EMBEDDINGS, LABELS, verbose=0)


@pytest.mark.parametrize("option", [{"sample_rate": 0.5}, {"sharded": True}])
def test_a_part_of_the_classes_is_refused(option):
    with pytest.raises(ValueError, match="UCELoss sums over all classes"):
        layers.UniFace(CLASSES, **option)
