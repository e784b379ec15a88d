"""A small training that is the same on every number of replicas."""

import functools

import numpy as np
import tensorflow as tf
from tensorflow import keras

from tests import heads
from unpg_tf import losses
from unpg_tf import models

FEATURES, DIM, CLASSES, SCALE = 5, 4, 6, 16.0
# Two batches: the last one of 5 rows, which no number of replicas divides.
ROWS, BATCH, EPOCHS = 17, 12, 2
RNG = np.random.default_rng(0)
IMAGES = RNG.normal(size=[ROWS, FEATURES]).astype("float32")
LABELS = RNG.integers(0, CLASSES, ROWS).astype("int32")
# All rows of the first of two replicas belong to one class.
LABELS[:6] = 2

LOSSES = {
    "margin": losses.MarginLoss(SCALE, embedding_dim=DIM),
    "unpg": losses.UNPGLoss(SCALE, embedding_dim=DIM),
}


def make_parts(name):
    """A backbone with embeddings of lengths about 30, and a head."""
    normal = keras.initializers.RandomNormal
    backbone = keras.Sequential(
        [
            keras.Input([FEATURES]),
            keras.layers.Dense(
                DIM, kernel_initializer=normal(stddev=8.0, seed=1)
            ),
        ]
    )
    head = heads.make(
        name, CLASSES, centers_initializer=normal(stddev=1.0, seed=2)
    )
    return backbone, head


def dataset(batch_size=BATCH):
    rows = tf.data.Dataset.from_tensor_slices((IMAGES, LABELS))
    return rows.batch(batch_size)


def fit(strategy, name, loss, batch_size=BATCH):
    """Losses by epoch and the weights after some epochs of `fit`."""
    with strategy.scope():
        model = models.EmbeddingModel(*make_parts(name))
        model.compile(keras.optimizers.SGD(0.3), LOSSES[loss])
    start = model.get_weights()
    history = model.fit(dataset(batch_size), epochs=EPOCHS, verbose=0)
    trained = model.get_weights()
    assert all((a != b).any() for a, b in zip(start, trained, strict=True))
    return history.history["loss"], trained


@functools.cache
def fit_on_one(name, loss, batch_size=BATCH):
    return fit(tf.distribute.get_strategy(), name, loss, batch_size)


def assert_same(found, expected):
    (losses_found, weights_found), (losses_expected, weights_expected) = (
        found,
        expected,
    )
    np.testing.assert_allclose(losses_found, losses_expected, rtol=1e-5)
    for here, there in zip(weights_found, weights_expected, strict=True):
        size = np.abs(there).max()
        np.testing.assert_allclose(here, there, rtol=1e-5, atol=1e-5 * size)
