"""Losses of pairs alone: any number of replicas trains as one device."""

import functools
import itertools

import numpy as np
import pytest
import tensorflow as tf
from tensorflow import keras

from unpg_tf import layers
from unpg_tf import losses
from unpg_tf import models

FEATURES, DIM, CLASSES = 5, 4, 3
# Two batches: the last one of 5 rows, which no number of replicas divides.
ROWS, BATCH, EPOCHS = 17, 12, 2
RNG = np.random.default_rng(0)
IMAGES = RNG.normal(size=[ROWS, FEATURES]).astype("float32")
LABELS = RNG.integers(0, CLASSES, ROWS).astype("int32")
# All rows of the first of two replicas belong to one class.
LABELS[:6] = 2
NAMES = [
    "TripletSemiHardLoss",
    "MultiSimilarityLoss",
    "CircleLoss",
    "NPairLoss",
]


def fit(strategy, name):
    """Losses by epoch, and the backbone's weights after some epochs."""
    normal = keras.initializers.RandomNormal(seed=1)
    with strategy.scope():
        dense = keras.layers.Dense(DIM, kernel_initializer=normal)
        backbone = keras.Sequential([keras.Input([FEATURES]), dense])
        model = models.EmbeddingModel(backbone, layers.CosFace(CLASSES))
        loss = getattr(losses, name)(embedding_dim=DIM)
        model.compile(keras.optimizers.SGD(0.01), loss)
    start = backbone.get_weights()
    dataset = tf.data.Dataset.from_tensor_slices((IMAGES, LABELS)).batch(BATCH)
    history = model.fit(dataset, epochs=EPOCHS, verbose=0)
    trained = backbone.get_weights()
    assert all((a != b).any() for a, b in zip(start, trained, strict=True))
    return history.history["loss"], trained


@functools.cache
def fit_on_one(name):
    return fit(tf.distribute.get_strategy(), name)


# Over 4 replicas the last batch leaves one without a row.
@pytest.mark.parametrize(
    ("name", "replicas"),
    [*zip(NAMES, itertools.cycle([2, 3])), ("TripletSemiHardLoss", 4)],
)
def test_replicas_train_as_one_device(strategy_of, name, replicas):
    values, weights = fit(strategy_of(replicas), name)
    expected_values, expected_weights = fit_on_one(name)
    np.testing.assert_allclose(values, expected_values, rtol=1e-5)
    for here, there in zip(weights, expected_weights, strict=True):
        np.testing.assert_allclose(here, there, rtol=1e-5, atol=1e-6)
