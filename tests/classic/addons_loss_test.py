"""Training by the metric losses of TensorFlow Addons themselves."""

import functools

import numpy as np
import pytest
import tensorflow as tf
import tensorflow_addons as tfa
from tensorflow import keras

from tests import heads
from unpg_tf import layers
from unpg_tf import losses
from unpg_tf import models

FEATURES, DIM, CLASSES = 5, 4, 3
# Two batches: the last one of 5 rows, which no number of replicas divides.
ROWS, BATCH, EPOCHS = 17, 12, 2
IMAGES, LABELS, _ = heads.batch(ROWS, FEATURES, CLASSES)
UNITS = tf.nn.l2_normalize(tf.constant(IMAGES, tf.float32), axis=1)
DISTANCES = np.linalg.norm(UNITS[:, None] - UNITS, axis=2)
ABOVE = np.triu_indices(ROWS, 1)
SAME = LABELS[:, None] == LABELS

OPTIONS = {
    "TripletSemiHardLoss": {"margin": 0.2, "distance_metric": "squared-L2"},
    "TripletHardLoss": {"soft": True},
    "LiftedStructLoss": {"margin": 0.5},
    "NpairsLoss": {},
    "ContrastiveLoss": {"margin": 0.7},
}
# What Addons is given.
INPUTS = {
    "NpairsLoss": (LABELS, 8.0 * UNITS @ tf.transpose(UNITS)),
    "ContrastiveLoss": (SAME[ABOVE], tf.constant(DISTANCES[ABOVE])),
}


@pytest.mark.parametrize("name", OPTIONS)
def test_value_is_that_of_addons(name):
    loss = losses.AddonsLoss(name, FEATURES, OPTIONS[name], scale=8.0)
    theirs = getattr(tfa.losses, name)(**OPTIONS[name])
    found = loss.call(LABELS, tf.constant(IMAGES, tf.float32))
    expected = np.mean(theirs.call(*INPUTS.get(name, (LABELS, UNITS))))
    np.testing.assert_allclose(found, [expected] * ROWS, rtol=1e-5)
    assert expected > 0


@pytest.mark.parametrize("name", OPTIONS)
@pytest.mark.parametrize("labels", [[0, 0, 0], [0, 1, 2]])
def test_without_pairs_gradients_are_finite(name, labels):
    rows = tf.constant(IMAGES[[0, 0, 1]], tf.float32)
    with tf.GradientTape() as tape:
        tape.watch(rows)
        value = losses.AddonsLoss(name, FEATURES)(labels, rows)
    slopes = tape.gradient(value, rows)
    assert value == 0
    assert slopes is None or np.isfinite(slopes).all()


def fit(strategy, name, global_batch=True):
    """Losses by epoch, and the backbone's weights after some epochs."""
    normal = keras.initializers.RandomNormal(seed=1)
    with strategy.scope():
        dense = keras.layers.Dense(DIM, kernel_initializer=normal)
        backbone = keras.Sequential([keras.Input([FEATURES]), dense])
        model = models.EmbeddingModel(backbone, layers.CosFace(CLASSES))
        options = OPTIONS[name]
        loss = losses.AddonsLoss(name, DIM, options, global_batch=global_batch)
        model.compile(keras.optimizers.SGD(0.1), loss)
    dataset = tf.data.Dataset.from_tensor_slices((IMAGES, LABELS)).batch(BATCH)
    history = model.fit(dataset, epochs=EPOCHS, verbose=0)
    return history.history["loss"], backbone.get_weights()


@functools.cache
def fit_on_one(name):
    return fit(tf.distribute.get_strategy(), name)


@pytest.mark.parametrize(
    ("replicas", "name"), [(2, n) for n in OPTIONS] + [(3, "ContrastiveLoss")]
)
def test_replicas_train_as_one_device(strategy_of, name, replicas):
    found, weights = fit(strategy_of(replicas), name)
    expected, expected_weights = fit_on_one(name)
    np.testing.assert_allclose(found, expected, rtol=1e-5)
    for here, there in zip(weights, expected_weights, strict=True):
        np.testing.assert_allclose(here, there, rtol=1e-4, atol=1e-6)


def test_each_replica_alone_is_another_training(strategy_of):
    found, _ = fit(strategy_of(2), "ContrastiveLoss", global_batch=False)
    expected, _ = fit_on_one("ContrastiveLoss")
    assert np.abs(np.subtract(found, expected)).max() > 1e-3


def test_config_round_trip():
    options = OPTIONS["TripletHardLoss"]
    loss = losses.AddonsLoss("TripletHardLoss", DIM, options, name="named")
    config = keras.utils.serialize_keras_object(loss)
    back = keras.utils.deserialize_keras_object(config)
    assert back.get_config() == loss.get_config()
