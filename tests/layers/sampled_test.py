"""Tests of heads that train on a sample of their classes."""

import numpy as np
import pytest
import tensorflow as tf
from tensorflow import keras

from tests import heads
from unpg_tf import layers
from unpg_tf import losses
from unpg_tf import models
from unpg_tf import optimizers

CLASSES, DIM, BATCH = 12, 4, 5
RNG = np.random.default_rng(0)
EMBEDDINGS = tf.constant(20 * RNG.normal(size=[BATCH, DIM]), tf.float32)
LABELS = tf.constant([3, 11, 3, 0, 7])


def make(name, **kwargs):
    normal = keras.initializers.RandomNormal(seed=2)
    head = heads.make(name, CLASSES, centers_initializer=normal, **kwargs)
    head.build((None, DIM))
    return head


def classes_of(head, cosines):
    """Which class each column of a sample is, by the centres alone."""
    full = head(EMBEDDINGS).numpy()
    return [
        int(np.argmin(np.median(np.abs(full - column[:, np.newaxis]), axis=0)))
        for column in cosines.numpy().T
    ]


def test_a_sample_without_margin_is_part_of_all_cosines():
    head = make("plain", sample_rate=0.25)
    cosines, columns = head.sampled(EMBEDDINGS, LABELS)
    classes = classes_of(head, cosines)
    assert cosines.shape == (BATCH, BATCH + 3)
    assert len(set(classes)) == BATCH + 3
    np.testing.assert_array_equal(np.take(classes, columns), LABELS)
    np.testing.assert_allclose(
        cosines, head(EMBEDDINGS).numpy()[:, classes], atol=1e-6
    )


def test_a_sample_weighs_what_all_classes_do_on_average():
    head, scale = make("plain", sample_rate=0.2), 4.0
    draws = [head.sampled(EMBEDDINGS, LABELS, scale=scale) for _ in range(300)]
    masses = [np.exp(scale * cosines).sum(axis=1) for cosines, _ in draws]
    expected = np.exp(scale * head(EMBEDDINGS)).sum(axis=1)
    error = np.std(masses, axis=0) / np.sqrt(len(masses))
    assert (np.abs(np.mean(masses, axis=0) - expected) < 4 * error).all()
    # Without it, a sample's mass is less by what wasn't drawn.
    least = np.exp(scale * head.sampled(EMBEDDINGS, LABELS)[0]).sum(axis=1)
    assert (least < expected).all()


@pytest.mark.parametrize("jit_compile", [False, True])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_center_moves_by_the_root_of_its_weight(jit_compile, dtype):
    embeddings = tf.cast(EMBEDDINGS, dtype)
    pull = tf.constant(RNG.normal(size=[BATCH, BATCH + 3]), dtype)

    @tf.function(jit_compile=jit_compile)
    def slopes(head, scale):
        with tf.GradientTape() as tape:
            tape.watch(embeddings)
            cosines, columns = head.sampled(embeddings, LABELS, scale=scale)
            value = tf.reduce_sum(pull * cosines)
        sources = [embeddings, head.trainable_weights[0]]
        return columns, *tape.gradient(value, sources)

    # The 4 classes drawn of the 8 others weigh twice.
    columns, found, centers = slopes(
        make("plain", sample_rate=0.25, dtype=dtype), 4.0
    )
    _, expected, plain = slopes(
        make("plain", sample_rate=0.25, dtype=dtype), None
    )
    np.testing.assert_allclose(found, expected, rtol=1e-6)
    np.testing.assert_array_equal(centers.indices, plain.indices)
    shares = np.full([BATCH + 3, 1], 0.5**0.5)
    shares[columns] = 1.0
    np.testing.assert_allclose(centers.values, plain.values * shares, rtol=1e-5)


@pytest.mark.parametrize("name", [*heads.NAMES, "subcenter_arcface"])
def test_a_sample_of_all_classes_is_the_full_head(name):
    # With those of the batch no class is left out.
    sampled, full = make(name, sample_rate=0.999), make(name)
    with tf.GradientTape() as tape:
        tape.watch(EMBEDDINGS)
        cosines, columns = sampled.sampled(EMBEDDINGS, LABELS)
    found = tape.gradient(cosines, [EMBEDDINGS, *sampled.trainable_weights])
    with tf.GradientTape() as tape:
        tape.watch(EMBEDDINGS)
        expected = full(EMBEDDINGS, LABELS, training=True)
    slopes = tape.gradient(expected, [EMBEDDINGS, *full.trainable_weights])
    np.testing.assert_array_equal(columns, LABELS)
    np.testing.assert_allclose(cosines, expected, atol=1e-6)
    for mine, other in zip(found, slopes, strict=True):
        np.testing.assert_allclose(
            tf.convert_to_tensor(mine), other, rtol=1e-5, atol=1e-6
        )


def test_gradients_reach_the_sampled_rows_alone():
    head = make("cosface", sample_rate=0.2)
    with tf.GradientTape() as tape:
        cosines, _ = head.sampled(EMBEDDINGS, LABELS)
    slopes = tape.gradient(cosines, head.trainable_weights[0])
    assert isinstance(slopes, tf.IndexedSlices)
    assert sorted(slopes.indices.numpy()) == sorted(classes_of(head, cosines))


def test_each_step_draws_anew():
    head = make("plain", sample_rate=0.2)
    samples = {
        tuple(classes_of(head, head.sampled(EMBEDDINGS, LABELS)[0]))
        for _ in range(5)
    }
    assert len(samples) > 1


@pytest.mark.parametrize("sample_rate", [0.0, 1.1, -0.5])
def test_impossible_rates_are_refused(sample_rate):
    with pytest.raises(ValueError, match="Expected sample_rate in"):
        layers.CosFace(CLASSES, sample_rate=sample_rate)


def test_a_model_trains_and_loads_with_a_sampled_head(tmp_path):
    backbone = keras.Sequential([keras.Input([3]), keras.layers.Dense(DIM)])
    head = layers.ArcFace(CLASSES, sample_rate=0.2)
    model = models.EmbeddingModel(backbone, head)
    loss = losses.UNPGLoss(embedding_dim=DIM)
    model.compile("adam", loss, metrics=["accuracy"])
    images = RNG.normal(size=[BATCH, 3]).astype("float32")
    history = model.fit(images, LABELS.numpy(), epochs=3, verbose=0)
    assert np.isfinite(history.history["loss"]).all()
    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    assert loaded.head.sample_rate == 0.2
    assert int(loaded.head.samples) == 3
    np.testing.assert_array_equal(loaded.predict(images), model.predict(images))


@pytest.mark.parametrize("name", ["LazySGD", "LazyAdamW"])
def test_a_loaded_model_goes_on_as_if_it_had_not_stopped(tmp_path, name):
    backbone = keras.Sequential([keras.Input([3]), keras.layers.Dense(DIM)])
    head = layers.CosFace(CLASSES, sample_rate=0.2)
    model = models.EmbeddingModel(backbone, head)
    # What a centre that rests has missed of it is told by the optimizer.
    optimizer = getattr(optimizers, name)(0.1, weight_decay=1.0)
    model.compile(optimizer, losses.MarginLoss(embedding_dim=DIM))
    images = RNG.normal(size=[BATCH, 3]).astype("float32")
    model.fit(images, LABELS.numpy(), epochs=3, verbose=0, shuffle=False)
    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    for each in (model, loaded):
        each.fit(images, LABELS.numpy(), epochs=3, verbose=0, shuffle=False)
    for mine, other in zip(
        loaded.get_weights(), model.get_weights(), strict=True
    ):
        np.testing.assert_allclose(mine, other, rtol=1e-5, atol=1e-7)


def test_evaluation_sees_every_class():
    head = layers.CosFace(CLASSES, sample_rate=0.2)
    backbone = keras.Sequential([keras.Input([3]), keras.layers.Dense(DIM)])
    model = models.EmbeddingModel(backbone, head)
    loss = losses.MarginLoss(embedding_dim=DIM)
    model.compile("sgd", loss)
    images = RNG.normal(size=[BATCH, 3]).astype("float32")
    embeddings = model.predict(images, verbose=0)
    y_pred = tf.concat([head(embeddings, LABELS), embeddings], axis=1)
    np.testing.assert_allclose(
        model.evaluate(images, LABELS.numpy(), verbose=0),
        loss(LABELS, y_pred),
        rtol=1e-5,
    )
