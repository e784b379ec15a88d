"""Replicas with a sampled head train as one device does."""

import numpy as np
import pytest
import tensorflow as tf
from tensorflow import keras

from unpg_tf import layers
from unpg_tf import losses
from unpg_tf import models
from unpg_tf import optimizers

FEATURES, DIM, CLASSES, BATCH = 5, 4, 40, 12
RNG = np.random.default_rng(0)
# Two batches: the last one of 5 rows, which no number of replicas divides.
IMAGES = RNG.normal(size=[17, FEATURES]).astype("float32")
LABELS = RNG.integers(0, CLASSES, 17).astype("int32")
OPTIMIZERS = {
    "sgd": lambda: optimizers.LazySGD(0.1, momentum=0.9, weight_decay=0.01),
    "adamw": lambda: optimizers.LazyAdamW(0.01),
}


def trained(strategy, optimizer, name, max_pair_share):
    normal = keras.initializers.RandomNormal
    with strategy.scope():
        dense = keras.layers.Dense(
            DIM, kernel_initializer=normal(stddev=8.0, seed=1)
        )
        head = getattr(layers, name)(
            CLASSES,
            sample_rate=0.3,
            centers_initializer=normal(stddev=1.0, seed=2),
        )
        backbone = keras.Sequential([keras.Input([FEATURES]), dense])
        model = models.EmbeddingModel(backbone, head)
        loss = losses.UNPGLoss(
            16.0, embedding_dim=DIM, max_pair_share=max_pair_share
        )
        model.compile(OPTIMIZERS[optimizer](), loss)
    dataset = tf.data.Dataset.from_tensor_slices((IMAGES, LABELS))
    history = model.fit(dataset.batch(BATCH), epochs=3, verbose=0)
    return history.history["loss"], model.get_weights()


@pytest.mark.parametrize(
    ("optimizer", "name", "max_pair_share"),
    [("sgd", "CosFace", 0.2), ("adamw", "CurricularFace", 1.0)],
)
def test_replicas_draw_one_sample_and_train_as_one(
    strategy_of, optimizer, name, max_pair_share
):
    case = (optimizer, name, max_pair_share)
    expected, weights = trained(tf.distribute.get_strategy(), *case)
    for replicas in (2, 3):
        found, others = trained(strategy_of(replicas), *case)
        np.testing.assert_allclose(found, expected, rtol=1e-5)
        for mine, other in zip(others, weights, strict=True):
            np.testing.assert_allclose(mine, other, rtol=1e-4, atol=1e-5)
