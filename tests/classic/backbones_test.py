"""The Model Garden's backbones under the heads and losses of this package."""

import numpy as np
import pytest
import tensorflow as tf
from tensorflow import keras

from unpg_tf import backbones
from unpg_tf import layers
from unpg_tf import losses
from unpg_tf import models

SIZE, DIM, CLASSES, ROWS = 32, 6, 3, 9
RNG = np.random.default_rng(0)
IMAGES = RNG.integers(0, 256, [ROWS, SIZE, SIZE, 3]).astype("float32")
LABELS = RNG.integers(0, CLASSES, ROWS).astype("int32")


def trained(strategy, name, image_size=SIZE, **arguments):
    """A model and its losses after two epochs of a batch of 6, and of 3."""
    with strategy.scope():
        backbone = backbones.build(name, image_size, DIM, **arguments)
        model = models.EmbeddingModel(backbone, layers.ArcFace(CLASSES))
        loss = losses.UNPGLoss(scale=8.0, embedding_dim=DIM)
        model.compile(keras.optimizers.SGD(1e-3), loss)
    dataset = tf.data.Dataset.from_tensor_slices((IMAGES, LABELS)).batch(6)
    history = model.fit(dataset, epochs=2, verbose=0)
    return model, history.history["loss"]


@pytest.mark.parametrize(
    "name", ["resnet-10", "mobilenet-MobileNetV3Small", "efficientnet"]
)
def test_trains_and_comes_back_from_its_file(name, tmp_path):
    strategy = tf.distribute.get_strategy()
    model, values = trained(strategy, f"tfm:{name}", dropout=0.1)
    assert np.isfinite(values).all()
    embeddings = model.predict(IMAGES, verbose=0)
    assert embeddings.shape == (ROWS, DIM)
    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    np.testing.assert_array_equal(loaded.predict(IMAGES, verbose=0), embeddings)
    assert loaded.backbone.get_config() == model.backbone.get_config()


def test_replicas_train_as_one_device(strategy_of):
    keras.utils.set_random_seed(1)
    one, values = trained(strategy_of(1), "tfm:resnet-10")
    keras.utils.set_random_seed(1)
    two, found = trained(strategy_of(2), "tfm:resnet-10")
    np.testing.assert_allclose(found, values, rtol=1e-4)
    for here, there in zip(two.get_weights(), one.get_weights(), strict=True):
        size = np.abs(there).max()
        np.testing.assert_allclose(here, there, rtol=1e-3, atol=1e-3 * size)


def test_pixels_are_brought_to_imagenets_mean_and_deviation():
    model = backbones.build("tfm:resnet-10", SIZE, DIM)
    pixels = np.array([123.675, 116.28, 103.53]) + [58.395, 0.0, -57.375]
    found = model.get_layer("preprocessing")(tf.constant(pixels, tf.float32))
    np.testing.assert_allclose(found, [1.0, 0.0, -1.0], atol=1e-5)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("resnet-11", "10, 18, .* Received: resnet-11"),
        ("spinenet", "resnet, mobilenet, efficientnet. Received: spinenet"),
    ],
)
def test_an_unknown_network_is_named(name, message):
    with pytest.raises(ValueError, match=f"Expected a network .* {message}"):
        backbones.build(f"tfm:{name}", SIZE, DIM)
