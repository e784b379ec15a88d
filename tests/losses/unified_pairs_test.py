"""Losses of class centres and of pairs together, beside UNPG's."""

import numpy as np
import pytest
import tensorflow as tf
from tensorflow import keras

from tests import heads
from tests import oracle
from unpg_tf import layers
from unpg_tf import losses
from unpg_tf import models

ROWS, DIM, CLASSES, MARGIN = 11, 4, 4, 0.3
EMBEDDINGS, LABELS, CENTERS = heads.batch(ROWS, DIM, CLASSES)
COSINES = oracle.arcface(
    oracle.cosines_of(EMBEDDINGS, CENTERS), None, LABELS, MARGIN
)
# Narrow enough to leave out pairs on each side.
WHISKERS = 0.2, 0.0


def mix_face(margin=MARGIN, num_classes=CLASSES, **arguments):
    return losses.MixFaceLoss(
        num_classes, margin, 1e-6, embedding_dim=DIM, **arguments
    )


def mix_face_oracle(cosines, embeddings):
    return oracle.mix_face_loss(cosines, embeddings, LABELS, MARGIN, 1e-6)


def upg(margin=MARGIN, **arguments):
    return losses.UPGLoss(
        16.0, *WHISKERS, margin, embedding_dim=DIM, **arguments
    )


def upg_oracle(cosines, embeddings):
    return oracle.upg_loss(cosines, embeddings, LABELS, 16.0, *WHISKERS, MARGIN)


LOSSES = {
    "mix_face": (mix_face, mix_face_oracle),
    "upg": (upg, upg_oracle),
}
every_loss = pytest.mark.parametrize("name", LOSSES)


@every_loss
def test_value_and_gradients_are_those_of_the_oracle(name):
    make, expected = LOSSES[name]
    y_pred = tf.constant(np.concatenate([COSINES, EMBEDDINGS], axis=1))
    with tf.GradientTape() as tape:
        tape.watch(y_pred)
        # By `__call__` Keras would round it to float32.
        value = tf.reduce_mean(make().call(LABELS, y_pred))
    wanted = expected(COSINES, EMBEDDINGS)
    np.testing.assert_allclose(value, wanted, rtol=1e-9)
    slopes = tape.gradient(value, y_pred)
    for part, function, point in (
        (slopes[:, :CLASSES], lambda x: expected(x, EMBEDDINGS), COSINES),
        (slopes[:, CLASSES:], lambda x: expected(COSINES, x), EMBEDDINGS),
    ):
        numeric = oracle.gradient(function, point)
        np.testing.assert_allclose(part, numeric, atol=1e-7)


def test_some_pairs_are_left_out_on_each_side():
    found = oracle.negatives(EMBEDDINGS, LABELS)
    kept = oracle.kept(found, WHISKERS[0])
    assert found[0] < kept[0] and kept[-1] < found[-1]
    found = oracle.positives(EMBEDDINGS, LABELS)
    kept = oracle.kept(found, WHISKERS[1])
    assert found[0] < kept[0] and kept[-1] < found[-1]


@every_loss
@pytest.mark.parametrize("labels", [[0, 0, 0], [0, 1, 2], [0, 1, 1]])
@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float32"])
def test_few_pairs_and_extreme_embeddings_are_finite(name, labels, dtype):
    for sizes in ([1, 1, 1], [0, 0, 0], [3e4, -3e4, 1]):
        embeddings = np.outer(sizes, EMBEDDINGS[0] / 100)
        y_pred = np.concatenate([COSINES[:3], embeddings], axis=1)
        y_pred = tf.constant(y_pred, dtype)
        with tf.GradientTape() as tape:
            tape.watch(y_pred)
            value = LOSSES[name][0]()(labels, y_pred)
        assert np.isfinite(value)
        assert np.isfinite(tape.gradient(value, y_pred)).all()


@every_loss
def test_sample_weights_and_config(name):
    loss = LOSSES[name][0](reduction="none", name="mine")
    y_pred = np.concatenate([COSINES, EMBEDDINGS], axis=1).astype("float32")
    rows = loss(LABELS, y_pred)
    weights = np.linspace(0, 2, ROWS)
    weighted = loss(LABELS, y_pred, sample_weight=weights)
    np.testing.assert_allclose(weighted, weights * rows, rtol=1e-6)
    packed = keras.losses.serialize(loss)
    twin = keras.losses.deserialize(packed)
    assert twin.get_config() == loss.get_config()
    np.testing.assert_array_equal(twin(LABELS, y_pred), rows)


def values_and_slopes(loss, labels, y_pred):
    with tf.GradientTape() as tape:
        tape.watch(y_pred)
        values = loss.call(labels, y_pred)
    return values, tape.gradient(values, y_pred)


@every_loss
def test_replicas_say_what_one_device_says(strategy_of, name):
    strategy, loss = strategy_of(3), LOSSES[name][0](reduction="none")
    y_pred = np.concatenate([COSINES, EMBEDDINGS], axis=1)
    # One of them has no rows.
    labels, parts = (
        strategy.experimental_distribute_values_from_function(
            lambda context, rows=rows: tf.constant(
                np.split(rows, [4, 4])[context.replica_id_in_sync_group]
            )
        )
        for rows in (LABELS, y_pred)
    )
    found = strategy.run(values_and_slopes, (loss, labels, parts))
    expected = values_and_slopes(loss, LABELS, tf.constant(y_pred))
    for parts, whole in zip(found, expected, strict=True):
        parts = strategy.experimental_local_results(parts)
        np.testing.assert_allclose(
            np.concatenate(parts), whole, rtol=1e-9, atol=1e-9
        )


@every_loss
@pytest.mark.parametrize("option", [{"sample_rate": 0.999}, {"sharded": True}])
def test_other_forms_of_the_head_say_the_same(name, option):
    head = layers.ArcFace(CLASSES, MARGIN, **option)
    head.build((None, DIM))
    head.centers.assign(CENTERS)
    loss = LOSSES[name][0](reduction="none")
    rows = tf.constant(EMBEDDINGS, tf.float32)
    form = head.condensed if head.sharded else head.sampled
    cosines, columns = form(rows, LABELS, scale=loss.scale)
    found = loss(columns, tf.concat([cosines, rows], axis=1))
    cosines = head(rows, LABELS)
    expected = loss(LABELS, tf.concat([cosines, rows], axis=1))
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize(
    ("name", "arguments", "message"),
    [
        ("mix_face", {"margin": 0.5}, "margin of the ArcFace head, 0.3.*=0.5"),
        ("upg", {"margin": 0.5}, "margin of the ArcFace head, 0.3.*=0.5"),
        ("mix_face", {"num_classes": 5}, "num_classes of the ArcFace head, 4"),
    ],
)
def test_arguments_that_are_not_the_heads_are_refused(name, arguments, message):
    backbone = keras.Sequential([keras.Input([DIM]), keras.layers.Dense(DIM)])
    model = models.EmbeddingModel(backbone, layers.ArcFace(CLASSES, MARGIN))
    with pytest.raises(ValueError, match=f"Expected .* with the {message}"):
        model.compile("sgd", LOSSES[name][0](**arguments))
