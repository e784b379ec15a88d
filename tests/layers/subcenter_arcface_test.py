"""Tests of heads with several centres a class."""

import numpy as np
import pytest
import tensorflow as tf
from tensorflow import keras

from tests import heads
from tests import oracle
from unpg_tf import callbacks
from unpg_tf import layers
from unpg_tf import losses
from unpg_tf import models

ROWS, DIM, CLASSES, COUNT, MARGIN = 8, 4, 5, 3, 0.6
EMBEDDINGS, LABELS, _ = heads.batch(ROWS, DIM, CLASSES)
CENTERS = np.random.default_rng(3).normal(size=[CLASSES, COUNT * DIM])


def built(**arguments):
    head = layers.SubcenterArcFace(CLASSES, MARGIN, COUNT, **arguments)
    head.build((None, DIM))
    head.centers.assign(CENTERS)
    return head


def nearest(embeddings, centers):
    each = oracle.cosines_of(embeddings, centers.reshape([-1, DIM]))
    return np.array(
        [
            [max(row[COUNT * j : COUNT * (j + 1)]) for j in range(CLASSES)]
            for row in each
        ]
    )


def expected(embeddings=EMBEDDINGS, centers=CENTERS):
    cosines = nearest(embeddings, centers)
    return oracle.arcface(cosines, None, LABELS, MARGIN)


@pytest.mark.parametrize(
    ("dtype", "tolerance"), [("float32", 2e-6), ("float64", 1e-12)]
)
def test_value_is_the_papers(dtype, tolerance):
    head = built(dtype=dtype)
    rows = tf.constant(EMBEDDINGS, dtype)
    found = head(rows, LABELS, training=True)
    np.testing.assert_allclose(found, expected(), atol=tolerance)
    plain = nearest(EMBEDDINGS, CENTERS)
    np.testing.assert_allclose(head(rows), plain, atol=tolerance)


@pytest.mark.parametrize("jit_compile", [False, True])
def test_gradients_are_the_numeric_ones_of_the_oracle(jit_compile):
    head, rows = built(dtype="float64"), tf.constant(EMBEDDINGS)
    weights = np.random.default_rng(1).normal(size=[ROWS, CLASSES])

    @tf.function(jit_compile=jit_compile)
    def slopes_of(rows):
        with tf.GradientTape() as tape:
            tape.watch(rows)
            cosines = head(rows, LABELS, training=True)
            total = tf.reduce_sum(weights * cosines)
        return tape.gradient(total, [rows, head.trainable_weights[0]])

    for slope, function, point in zip(
        slopes_of(rows),
        (lambda x: expected(x), lambda x: expected(centers=x)),
        (EMBEDDINGS, CENTERS),
        strict=True,
    ):
        numeric = oracle.gradient(
            lambda x, f=function: np.sum(weights * f(x)), point
        )
        np.testing.assert_allclose(slope, numeric, atol=1e-6)


@pytest.mark.parametrize("product_dtype", [None, "bfloat16"])
def test_a_sample_has_all_centres_of_its_classes(product_dtype):
    head = built(sample_rate=0.2, product_dtype=product_dtype)
    rows = tf.constant(EMBEDDINGS, tf.float32)
    with tf.GradientTape() as tape:
        cosines, columns = head.sampled(rows, LABELS, scale=16.0)
    slopes = tape.gradient(cosines, head.trainable_weights[0])
    found = tf.gather(cosines, columns, axis=1, batch_dims=1)
    wanted = expected()[np.arange(ROWS), LABELS]
    np.testing.assert_allclose(
        found, wanted, atol=0.02 if product_dtype else 2e-6
    )
    # The optimizers of sampled heads update no other row.
    assert isinstance(slopes, tf.IndexedSlices)
    assert slopes.values.shape[1] == COUNT * DIM
    assert {*LABELS} <= {*slopes.indices.numpy()}


def test_a_model_trains_logs_and_comes_back(tmp_path):
    backbone = keras.Sequential(
        [
            keras.Input([4, 4, 3]),
            keras.layers.Flatten(),
            keras.layers.Dense(DIM),
        ]
    )
    model = models.EmbeddingModel(backbone, built())
    loss = losses.MarginLoss(16.0, embedding_dim=DIM)
    model.compile("sgd", loss, metrics=["accuracy"])
    rng = np.random.default_rng(4)
    images = rng.integers(0, 256, [ROWS, 4, 4, 3]).astype("uint8")
    statistics = callbacks.StatisticsCallback(images, LABELS)
    logs = model.fit(images, LABELS, verbose=0, callbacks=[statistics]).history
    cosines = nearest(
        model.predict(images, verbose=0), model.head.get_weights()[0]
    )
    targets = cosines[np.arange(ROWS), LABELS]
    np.testing.assert_allclose(logs["inf_positive"], targets.min(), rtol=1e-4)
    assert "center_max" not in logs
    model.save(tmp_path / "model.keras")
    twin = keras.models.load_model(tmp_path / "model.keras")
    assert twin.head.get_config() == model.head.get_config()
    before = model.evaluate(images, LABELS, verbose=0)
    after = twin.evaluate(images, LABELS, verbose=0)
    np.testing.assert_allclose(after, before, rtol=1e-6)


def test_embeddings_of_another_dimension_are_refused():
    with pytest.raises(ValueError, match="Expected embeddings of dimension 4"):
        built()(tf.ones([2, DIM * COUNT]))
