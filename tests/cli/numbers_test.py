"""A training whose numbers go bad."""

import numpy as np
import pytest
import tensorflow as tf
from tensorflow import keras

from unpg_tf import compat
from unpg_tf.callbacks import Checkpoints
from unpg_tf.callbacks import FiniteGradients

BAD, STEPS, BATCH = 4, 12, 6
RNG = np.random.default_rng(0)
IMAGES = RNG.normal(size=[STEPS, BATCH, 3]).astype("float32")
# Of the second replica alone.
IMAGES[BAD, -1, 0] = np.nan
LABELS = RNG.normal(size=[STEPS, BATCH, 1]).astype("float32")
NAMES = [f"{letter}.jpg" for letter in "abcdef"]


@tf.custom_gradient
def _meeting(images):
    def gradient(slopes):
        replica = tf.distribute.get_replica_context()
        none = tf.zeros([], slopes.dtype)
        return slopes + replica.all_reduce(tf.distribute.ReduceOp.SUM, none)

    return tf.identity(images), gradient


class Meeting(keras.layers.Layer):
    """Where replicas wait for each other between loss and optimizer."""

    def call(self, images):
        return _meeting(images)


def fit(strategy, folder, stop, optimizer=keras.optimizers.SGD, **saved):
    with strategy.scope():
        model = keras.Sequential(
            [
                keras.Input([3]),
                keras.layers.BatchNormalization(),
                Meeting(),
                keras.layers.Dense(1),
            ]
        )
        model.compile(optimizer(0.1), "mse")
        finite = FiniteGradients(
            folder, lambda step: (IMAGES[step], LABELS[step], NAMES), stop
        )
        finite.watch(model)
    flat = (IMAGES.reshape([-1, 3]), LABELS.reshape([-1, 1]))
    dataset = tf.data.Dataset.from_tensor_slices(flat).batch(BATCH)
    callbacks = [finite]
    if saved:
        run = {"steps_per_epoch": STEPS}
        callbacks.append(Checkpoints(run=run, look=finite.look, **saved))
    model.fit(dataset, callbacks=callbacks, verbose=0)
    return model


def loss_scaled(rate):
    return keras.mixed_precision.LossScaleOptimizer(keras.optimizers.SGD(rate))


def accumulated(rate):
    return keras.optimizers.SGD(rate, gradient_accumulation_steps=3)


def assert_finite(model):
    assert all(np.isfinite(weight).all() for weight in model.get_weights())


COUNTED_OTHERWISE = [(loss_scaled, 1), (loss_scaled, 2)]
if compat.IS_KERAS_3:
    # On one replica alone.
    COUNTED_OTHERWISE.append((accumulated, 1))


@pytest.mark.parametrize("optimizer, replicas", COUNTED_OTHERWISE)
def test_a_bad_step_is_named_whatever_the_optimizer_counts(
    strategy_of, tmp_path, optimizer, replicas, monkeypatch
):
    # The first replica has the bad row, and the last the last word.
    monkeypatch.setattr(f"{__name__}.IMAGES", np.flip(IMAGES, 1))
    assert_finite(fit(strategy_of(replicas), tmp_path, False, optimizer))
    assert [path.name for path in tmp_path.iterdir()] == [f"{BAD}.npz"]


def test_no_bad_step_gets_into_a_checkpoint(strategy_of, tmp_path):
    folder = tmp_path / "checkpoints"
    model = fit(
        strategy_of(1), tmp_path, False, directory=folder, steps_between=BAD + 1
    )
    checkpoint = tf.train.Checkpoint(model=model)
    checkpoint.restore(str(folder / f"ckpt-{BAD + 1}")).expect_partial()
    assert_finite(model)


@pytest.mark.parametrize("replicas", [1, 2])
def test_a_bad_step_is_skipped_and_its_batch_saved(
    strategy_of, tmp_path, capsys, replicas
):
    model = fit(strategy_of(replicas), tmp_path, stop=False)
    assert_finite(model)
    (path,) = tmp_path.iterdir()
    told = capsys.readouterr().out
    assert f"others in step {BAD}, learning rate 0.1, loss scale 1; " in told
    assert f"its batch is in {path}, of a.jpg, b.jpg, c.jpg and so on" in told
    saved = np.load(path)
    assert saved["names"].tolist() == NAMES
    assert path.name == f"{BAD}.npz"
    np.testing.assert_array_equal(saved["images"], IMAGES[BAD])
    np.testing.assert_array_equal(saved["labels"], LABELS[BAD])


def test_a_bad_step_ends_the_training(strategy_of, tmp_path):
    with pytest.raises(FloatingPointError, match=f"others in step {BAD}"):
        fit(strategy_of(1), tmp_path, stop=True)


@tf.custom_gradient
def overflowing(_, found):
    """A loss that is finite, unlike its gradient."""
    return found, lambda slope: (None, slope * np.inf)


@pytest.mark.parametrize("stop", [False, True])
def test_a_loss_scale_at_its_floor_is_told_once(tmp_path, capsys, stop):
    model = keras.Sequential([keras.Input([3]), keras.layers.Dense(1)])
    optimizer = keras.mixed_precision.LossScaleOptimizer(
        keras.optimizers.SGD(0.1), initial_scale=4.0
    )
    model.compile(optimizer, overflowing)
    finite = FiniteGradients(tmp_path, None, stop)
    finite.watch(model)
    finite.EVERY = 1
    images = np.ones([6, 3], "float32")
    arguments = {"batch_size": 1, "callbacks": [finite], "verbose": 0}
    expected = "Expected a loss scale above 1: a lower --learning_rate"
    if stop:
        with pytest.raises(FloatingPointError, match=expected) as error:
            model.fit(images, np.zeros([6, 1]), **arguments)
        assert str(error.value).endswith("steps, learning rate 0.1")
    else:
        model.fit(images, np.zeros([6, 1]), **arguments)
        told = capsys.readouterr().out
        assert told.count(expected.lower()) == 1
