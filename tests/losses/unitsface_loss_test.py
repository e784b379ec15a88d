"""Heads with a memory of the newest samples, and their losses."""

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

ROWS, DIM, CLASSES, SCALE, BIAS = 10, 4, 6, 16.0, 3.0
EMBEDDINGS, LABELS, CENTERS = heads.batch(ROWS, DIM, CLASSES)
# A class of one replica alone, one of both, and one that was never seen.
LABELS[:] = [0, 1, 2, 0, 3, 4, 0, 3, 4, 2]
MEMORY = oracle.unit(np.random.default_rng(5).normal(size=[CLASSES, DIM]))
MEMORY[1] = 0


def cosines_to_memory(embeddings, memory):
    # The oracle's own would divide by the length of the empty one.
    return oracle.unit(np.asarray(embeddings)) @ np.asarray(memory).T


def uss_losses(embeddings, memory, bias, margin=0.1):
    """The losses, a number at a time."""
    found = []
    for row, label in zip(
        cosines_to_memory(embeddings, memory), LABELS, strict=True
    ):
        total = 0.0
        for j, c in enumerate(row):
            z = SCALE * (c - margin * (j == label)) - bias
            z = min(max(z, -SCALE), SCALE)
            total += math.log1p(math.exp(-z if j == label else z))
        found.append(total)
    return np.array(found)


def unitsface_losses(embeddings, centers, memory, bias):
    cosines = oracle.cosines_of(embeddings, centers)
    cosines = oracle.cosface(cosines, None, LABELS, 0.4)
    found = oracle.softmax_losses(cosines, LABELS, SCALE)
    return found + uss_losses(embeddings, memory, bias)


def first_bias(embeddings, memory):
    """The mean of the rows' log sum over other classes."""
    found = []
    for row, label in zip(
        cosines_to_memory(embeddings, memory), LABELS, strict=True
    ):
        others = [math.exp(SCALE * c) for j, c in enumerate(row) if j != label]
        found.append(math.log(sum(others)))
    return sum(found) / len(found)


def newest(memory):
    memory = np.array(memory)
    for unit, label in zip(oracle.unit(EMBEDDINGS), LABELS, strict=True):
        memory[label] = unit
    return memory


def unitsface(bias=BIAS, **options):
    options = {"scale": SCALE, "dtype": "float64", **options}
    head = layers.UniTSFace(CLASSES, **options)
    head.build((None, DIM))
    head.centers.assign(CENTERS)
    head.memory.centers.assign(MEMORY)
    head.memory.bias.assign(bias)
    return head


def test_value_and_gradients_are_those_of_the_oracle():
    head = unitsface()
    loss = losses.UniTSFaceLoss(SCALE, embedding_dim=DIM)
    embeddings = tf.constant(EMBEDDINGS)
    with tf.GradientTape() as tape:
        tape.watch(embeddings)
        cosines = head(embeddings, LABELS, training=True)
        # By `__call__` Keras would round it to float32.
        values = loss.call(LABELS, tf.concat([cosines, embeddings], axis=1))
    wanted = unitsface_losses(EMBEDDINGS, CENTERS, MEMORY, BIAS)
    np.testing.assert_allclose(values, wanted, rtol=1e-9)
    slopes = tape.gradient(values, [embeddings, *head.trainable_weights])
    functions = (
        (lambda x: unitsface_losses(x, CENTERS, MEMORY, BIAS), EMBEDDINGS),
        (lambda x: unitsface_losses(EMBEDDINGS, x, MEMORY, BIAS), CENTERS),
        (lambda x: uss_losses(EMBEDDINGS, MEMORY, x), np.array(BIAS)),
    )
    for slope, (function, point) in zip(slopes, functions, strict=True):
        numeric = oracle.gradient(lambda x, f=function: f(x).sum(), point)
        np.testing.assert_allclose(slope, numeric, atol=1e-6)


@pytest.mark.parametrize("jit_compile", [False, True])
def test_a_step_stores_the_last_embedding_of_each_class(jit_compile):
    head = layers.USS(CLASSES, scale=SCALE)
    head.build((None, DIM))
    head.centers.assign(MEMORY)
    rows = tf.constant(EMBEDDINGS, tf.float32)

    @tf.function(jit_compile=jit_compile)
    def step(training):
        with tf.GradientTape() as tape:
            cosines = head(rows, LABELS, training=training)
        return cosines, tape.gradient(cosines, head.trainable_weights[0])

    step(False)
    np.testing.assert_allclose(head.centers, MEMORY, atol=1e-6)
    cosines, slope = step(True)
    np.testing.assert_allclose(head.centers, newest(MEMORY), atol=1e-6)
    # The cosines are those to what was there before.
    bias = first_bias(EMBEDDINGS, MEMORY)
    np.testing.assert_allclose(head.bias, bias, rtol=1e-5)
    found = losses.UCELoss(SCALE, embedding_dim=DIM, reduction="none")(
        LABELS, tf.concat([cosines, rows], axis=1)
    )
    wanted = uss_losses(EMBEDDINGS, MEMORY, bias)
    np.testing.assert_allclose(found, wanted, rtol=1e-4)
    np.testing.assert_allclose(slope, -ROWS * CLASSES / SCALE, rtol=1e-5)
    assert len(head.trainable_weights) == 1
    np.testing.assert_allclose(
        head(rows), cosines_to_memory(EMBEDDINGS, newest(MEMORY)), atol=1e-6
    )


def test_until_it_starts_it_remembers_and_asks_for_nothing():
    head = unitsface(bias=0.0, cosface_steps=1)
    loss = losses.UniTSFaceLoss(SCALE, embedding_dim=DIM)
    rows = tf.constant(EMBEDDINGS)
    plain = oracle.cosines_of(EMBEDDINGS, CENTERS)
    plain = oracle.cosface(plain, None, LABELS, 0.4)
    plain = oracle.softmax_losses(plain, LABELS, SCALE)
    slopes = []
    for expected in (
        plain + CLASSES * math.log1p(math.exp(-SCALE)),
        plain
        + uss_losses(
            EMBEDDINGS, newest(MEMORY), first_bias(EMBEDDINGS, newest(MEMORY))
        ),
    ):
        with tf.GradientTape() as tape:
            cosines = head(rows, LABELS, training=True)
            y_pred = tf.concat([cosines, rows], axis=1)
            values = loss.call(LABELS, y_pred)
        slopes.append(tape.gradient(values, head.memory.trainable_weights[0]))
        np.testing.assert_allclose(values, expected, rtol=1e-9)
    assert [float(slope) != 0 for slope in slopes] == [False, True]
    assert float(head.memory.bias) > 0
    assert int(head.memory.step) == 2


def compiled(strategy=None, head=None, loss=None):
    strategy = strategy or tf.distribute.get_strategy()
    with strategy.scope():
        normal = keras.initializers.RandomNormal(seed=1)
        dense = keras.layers.Dense(DIM, kernel_initializer=normal)
        backbone = keras.Sequential([keras.Input([DIM]), dense])
        head = head or layers.UniTSFace(
            CLASSES, scale=SCALE, cosface_steps=2, centers_initializer=normal
        )
        model = models.EmbeddingModel(backbone, head)
        loss = loss or losses.UniTSFaceLoss(SCALE, embedding_dim=DIM)
        model.compile(keras.optimizers.SGD(0.02), loss, metrics=["accuracy"])
    return model


def test_replicas_train_as_one_device(strategy_of, tmp_path):
    one, many = compiled(), compiled(strategy_of(2))
    rows = tf.data.Dataset.from_tensor_slices((EMBEDDINGS, LABELS)).batch(5)
    first, second = (
        model.fit(rows, epochs=2, verbose=0).history["loss"]
        for model in (one, many)
    )
    np.testing.assert_allclose(second, first, rtol=1e-5)
    for here, there in zip(many.get_weights(), one.get_weights(), strict=True):
        np.testing.assert_allclose(here, there, rtol=1e-4, atol=1e-5)
    memory = one.head.memory
    assert float(tf.convert_to_tensor(memory.bias)) > 0
    many.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    for here, there in zip(loaded.weights, many.weights, strict=True):
        np.testing.assert_array_equal(here.numpy(), there.numpy())
    value = one.evaluate(EMBEDDINGS, LABELS, verbose=0)
    found = loaded.evaluate(EMBEDDINGS, LABELS, verbose=0)
    np.testing.assert_allclose(found, value, rtol=1e-5)


def test_a_functional_model_knows_the_columns():
    embeddings = keras.Input([DIM])
    labels = keras.Input([], dtype="int32")
    head = layers.UniTSFace(CLASSES)
    cosines = head(embeddings, labels)
    assert tuple(cosines.shape) == (None, 2 * CLASSES)
    assert tuple(head(embeddings).shape) == (None, CLASSES)
    y_pred = keras.layers.Concatenate()([cosines, embeddings])
    model = keras.Model([embeddings, labels], y_pred)
    model.compile("sgd", losses.UniTSFaceLoss(embedding_dim=DIM))
    inputs = [EMBEDDINGS.astype("float32"), LABELS]
    assert np.isfinite(model.evaluate(inputs, LABELS, verbose=0))


@pytest.mark.parametrize(
    ("parts", "message"),
    [
        (
            {"loss": losses.MarginLoss(SCALE, embedding_dim=DIM)},
            "UniTSFaceLoss with a UniTSFace head",
        ),
        (
            {"loss": losses.UniTSFaceLoss(32.0, embedding_dim=DIM)},
            "the scale of the UniTSFace head, 16.0. Received: scale=32.0",
        ),
        (
            {"head": layers.CosFace(CLASSES)},
            "a UniTSFace head with UniTSFaceLoss. Received: head='CosFace'",
        ),
    ],
)
def test_what_does_not_fit_is_refused(parts, message):
    with pytest.raises(ValueError, match=f"Expected .*{message}"):
        compiled(**parts)


@pytest.mark.parametrize("head", [layers.USS, layers.UniTSFace])
@pytest.mark.parametrize("option", [{"sample_rate": 0.5}, {"sharded": True}])
def test_a_part_of_the_classes_is_refused(head, option):
    with pytest.raises(ValueError, match="sums over all classes"):
        head(CLASSES, **option)


def test_a_memory_of_some_other_head_takes_all_classes():
    class SampleSoftmax(layers.FeatureMemory, layers.CosFace):
        pass

    head = SampleSoftmax(CLASSES, 0.1)
    head.build((None, DIM))
    head.centers.assign(MEMORY)
    cosines = head(tf.constant(EMBEDDINGS, tf.float32), LABELS, training=True)
    expected = cosines_to_memory(EMBEDDINGS, MEMORY)
    expected[np.arange(ROWS), LABELS] -= 0.1
    np.testing.assert_allclose(cosines, expected, atol=1e-6)
    np.testing.assert_allclose(head.centers, newest(MEMORY), atol=1e-6)
    with pytest.raises(ValueError, match="a memory of all classes"):
        SampleSoftmax(CLASSES, sharded=True).build((None, DIM))


def test_what_is_not_finite_is_neither_stored_nor_a_threshold():
    head = unitsface(bias=0.0)
    broken = np.array(EMBEDDINGS)
    broken[5] = np.nan  # The first of the two of class 4.
    broken[1] = np.inf  # Class 1 alone.
    head(broken, LABELS, training=True)
    expected = newest(MEMORY)
    expected[1] = MEMORY[1]
    np.testing.assert_allclose(head.memory.centers, expected)
    assert float(head.memory.bias) == 0.0
    # The next batch sets it, from what the last one has left.
    start = first_bias(EMBEDDINGS, expected)
    head(EMBEDDINGS, LABELS, training=True)
    assert float(head.memory.bias) == pytest.approx(start)
