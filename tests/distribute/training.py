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
    # Active in most rows, and not in all.
    "bounded": losses.UNPGLoss(
        SCALE, embedding_dim=DIM, max_pair_share=0.6, max_target_ratio=10.0
    ),
    "bfloat16": losses.UNPGLoss(
        SCALE, embedding_dim=DIM, product_dtype="bfloat16"
    ),
}
OPTIMIZERS = {
    "sgd": lambda: keras.optimizers.SGD(0.3),
    "momentum": lambda: keras.optimizers.SGD(
        0.3, momentum=0.9, weight_decay=0.01
    ),
    "adamw": lambda: keras.optimizers.AdamW(0.05),
}


def make_parts(name, num_classes=CLASSES, **arguments):
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
        name,
        num_classes,
        centers_initializer=normal(stddev=1.0, seed=2),
        **arguments,
    )
    return backbone, head


def dataset(batch_size=BATCH):
    rows = tf.data.Dataset.from_tensor_slices((IMAGES, LABELS))
    return rows.batch(batch_size)


def compiled(strategy, name, loss, optimizer="sgd", **arguments):
    """A model that is ready for `fit`."""
    with strategy.scope():
        model = models.EmbeddingModel(*make_parts(name, **arguments))
        model.compile(OPTIMIZERS[optimizer](), LOSSES[loss])
    return model


def fit(*arguments, batch_size=BATCH, epochs=EPOCHS, **options):
    """Losses by epoch and the weights after some epochs of `fit`."""
    model = compiled(*arguments, **options)
    start = model.get_weights()
    history = model.fit(dataset(batch_size), epochs=epochs, verbose=0)
    trained = model.get_weights()
    assert all((a != b).any() for a, b in zip(start, trained, strict=True))
    return history.history["loss"], trained


@functools.cache
def fit_on_one(*arguments, **options):
    return fit(tf.distribute.get_strategy(), *arguments, **options)


def assert_same(found, expected, tolerance=1e-5):
    (losses_found, weights_found), (losses_expected, weights_expected) = (
        found,
        expected,
    )
    np.testing.assert_allclose(losses_found, losses_expected, rtol=tolerance)
    for here, there in zip(weights_found, weights_expected, strict=True):
        size = np.abs(there).max()
        np.testing.assert_allclose(
            here, there, rtol=tolerance, atol=tolerance * size
        )
