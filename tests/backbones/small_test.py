"""Tests of the compact residual network."""

import numpy as np
import pytest
import tensorflow as tf
from tensorflow import keras

from unpg_tf.backbones.small import small

SIZE = 32
DIM = 16


@pytest.fixture(autouse=True)
def seed():
    keras.utils.set_random_seed(0)


@pytest.fixture
def policy():
    before = keras.mixed_precision.global_policy()
    yield keras.mixed_precision.set_global_policy
    keras.mixed_precision.set_global_policy(before)


def build(**options):
    options = {"image_size": SIZE, "embedding_dim": DIM, "width": 4, **options}
    return small(**options)


def faces(count, size=SIZE):
    rng = np.random.default_rng(0)
    return rng.integers(0, 256, (count, size, size, 3)).astype("uint8")


@pytest.mark.parametrize("size", [32, 33, 64, 112])
def test_maps_any_size_to_embeddings(size):
    model = build(image_size=size)
    embeddings = model(faces(2, size), training=False)
    assert embeddings.shape == (2, DIM)
    assert embeddings.dtype == tf.float32


def test_preprocessing_is_inside():
    images = faces(4)
    model = build()
    layer = model.layers[1]
    expected = images / 127.5 - 1
    np.testing.assert_allclose(layer(images), expected, atol=1e-6)
    np.testing.assert_allclose(
        model(images, training=False),
        model(images.astype("float32"), training=False),
    )


def test_embeddings_of_a_batch_are_standardised():
    embeddings = build(dropout=0.0)(faces(64), training=True).numpy()
    np.testing.assert_allclose(embeddings.mean(axis=0), 0, atol=1e-5)
    np.testing.assert_allclose(embeddings.std(axis=0), 1, atol=1e-2)


def test_dropout_is_for_training_alone():
    images = faces(8)
    model = build(dropout=0.5)
    first, second = (model(images, training=True) for _ in range(2))
    assert np.abs(first - second).max() > 1e-3
    first, second = (model(images, training=False) for _ in range(2))
    np.testing.assert_array_equal(first, second)


def test_moments_are_shared_by_the_replicas():
    norms = [
        layer
        for layer in build().layers
        if isinstance(layer, keras.layers.BatchNormalization)
    ]
    assert norms and all(layer.synchronized for layer in norms)


@pytest.mark.parametrize("name", ["mixed_float16", "mixed_bfloat16"])
def test_mixed_precision_keeps_float32_embeddings(policy, name):
    exact = build()
    policy(name)
    mixed = build()
    mixed.set_weights(exact.get_weights())
    images = faces(8)
    embeddings = mixed(images, training=False)
    assert embeddings.dtype == tf.float32
    cosines = tf.reduce_sum(
        tf.nn.l2_normalize(embeddings, axis=1)
        * tf.nn.l2_normalize(exact(images, training=False), axis=1),
        axis=1,
    )
    np.testing.assert_allclose(cosines, 1, atol=0.005)
    convolutions = [
        layer
        for layer in mixed.layers
        if isinstance(layer, keras.layers.Conv2D)
    ]
    assert {layer.compute_dtype for layer in convolutions} == {name[6:]}


def test_every_weight_gets_a_gradient():
    model = build()
    with tf.GradientTape() as tape:
        embeddings = model(faces(8), training=True)
        loss = tf.reduce_mean(embeddings[:, 0] * embeddings[:, 1])
    for gradient in tape.gradient(loss, model.trainable_variables):
        assert np.isfinite(gradient).all()
        assert np.abs(gradient).max() > 0


def test_saves_and_loads(tmp_path):
    images = faces(4)
    model = build()
    model(images, training=True)
    model.save(tmp_path / "small.keras")
    loaded = keras.models.load_model(tmp_path / "small.keras")
    np.testing.assert_allclose(
        loaded.predict(images, verbose=0),
        model.predict(images, verbose=0),
        atol=1e-4,
    )


def test_learns_to_tell_two_patterns_apart():
    labels = np.arange(32) % 2
    images = faces(32).astype("float32") * 0.3
    images[labels == 1, :, : SIZE // 2] += 150
    model = build(embedding_dim=2, dropout=0.0)
    model.compile(
        keras.optimizers.Adam(0.01),
        keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        metrics=["accuracy"],
    )
    history = model.fit(images, labels, epochs=10, verbose=0)
    assert history.history["accuracy"][-1] > 0.9


@pytest.mark.parametrize("size", [0, 31])
def test_too_small_an_image_is_an_error(size):
    with pytest.raises(ValueError, match=f"image_size.*Received: .*{size}"):
        build(image_size=size)
