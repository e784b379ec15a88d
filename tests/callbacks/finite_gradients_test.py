"""A training whose numbers go bad."""

import numpy as np
import pytest
import tensorflow as tf
from tensorflow import keras

from unpg_tf import compat
from unpg_tf.callbacks import Checkpoints
from unpg_tf.callbacks import FiniteGradients
from unpg_tf.callbacks import resumable_fit

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


def compiled(strategy, optimizer=keras.optimizers.SGD):
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
    return model


def dataset():
    flat = (IMAGES.reshape([-1, 3]), LABELS.reshape([-1, 1]))
    return tf.data.Dataset.from_tensor_slices(flat).batch(BATCH)


def saving(folder, on_nan):
    """One that can have the batch again."""
    return FiniteGradients(
        on_nan, lambda step: (IMAGES[step], LABELS[step], NAMES), folder
    )


def fit(strategy, folder, on_nan, optimizer=keras.optimizers.SGD):
    model = compiled(strategy, optimizer)
    model.fit(dataset(), callbacks=[saving(folder, on_nan)], verbose=0)
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
    assert_finite(fit(strategy_of(replicas), tmp_path, "skip", optimizer))
    assert [path.name for path in tmp_path.iterdir()] == [f"{BAD}.npz"]


def test_no_bad_step_gets_into_a_checkpoint(strategy_of, tmp_path):
    folder = tmp_path / "checkpoints"
    model = compiled(strategy_of(1))
    checkpoints = Checkpoints(folder, save_freq=BAD + 1)
    resumable_fit(
        model,
        dataset(),
        callbacks=[checkpoints, saving(tmp_path, "skip")],
        verbose=0,
    )
    checkpoint = tf.train.Checkpoint(model=model)
    checkpoint.restore(str(folder / f"ckpt-{BAD + 1}")).expect_partial()
    assert_finite(model)


@pytest.mark.parametrize("replicas", [1, 2])
def test_a_bad_step_is_skipped_and_its_batch_saved(
    strategy_of, tmp_path, capsys, replicas
):
    model = fit(strategy_of(replicas), tmp_path, "skip")
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
        fit(strategy_of(1), tmp_path, "stop")


@tf.custom_gradient
def overflowing(_, found):
    """A loss that is finite, unlike its gradient."""
    return found, lambda slope: (None, slope * np.inf)


def test_several_steps_at_once_pass_a_look(strategy_of):
    class Often(FiniteGradients):
        EVERY = 4

    model = compiled(strategy_of(1))
    model.compile("sgd", "mse", steps_per_execution=3)
    with pytest.raises(FloatingPointError, match=f"in step {BAD}"):
        model.fit(dataset(), callbacks=[Often()], verbose=0)
    assert int(np.asarray(model.optimizer.iterations)) == 6


@pytest.mark.parametrize("on_nan", ["skip", "stop"])
def test_a_loss_scale_at_its_floor_is_told_once(capsys, on_nan):
    model = keras.Sequential([keras.Input([3]), keras.layers.Dense(1)])
    optimizer = keras.mixed_precision.LossScaleOptimizer(
        keras.optimizers.SGD(0.1), initial_scale=4.0
    )
    model.compile(optimizer, overflowing)
    finite = FiniteGradients(on_nan)
    finite.EVERY = 1
    images = np.ones([6, 3], "float32")
    arguments = {"batch_size": 1, "callbacks": [finite], "verbose": 0}
    expected = "Expected a loss scale above 1: a lower learning rate"
    if on_nan == "stop":
        with pytest.raises(FloatingPointError, match=expected) as error:
            model.fit(images, np.zeros([6, 1]), **arguments)
        assert str(error.value).endswith("steps, learning rate 0.1")
    else:
        model.fit(images, np.zeros([6, 1]), **arguments)
        told = capsys.readouterr().out
        assert told.count(expected.lower()) == 1


def assert_itself(model):
    """Nothing is replaced, and the next step will be traced anew."""
    assert "compute_loss" not in vars(model)
    assert "apply_gradients" not in vars(model.optimizer)
    assert model.train_function is None


def test_a_trained_model_is_guarded_during_fit_alone(strategy_of, capsys):
    model = compiled(strategy_of(1))
    model.fit(dataset().take(BAD), verbose=0)
    model.fit(dataset(), callbacks=[FiniteGradients("skip")], verbose=0)
    assert_finite(model)
    assert f"others in step {BAD}" in capsys.readouterr().out
    assert_itself(model)
    with pytest.raises(FloatingPointError):
        model.fit(dataset(), callbacks=[FiniteGradients()], verbose=0)
    assert_finite(model)
    assert_itself(model)
    model.fit(dataset(), verbose=0)
    assert not np.isfinite(model.get_weights()[-1]).all()


def test_one_takes_the_place_of_another_that_an_error_has_left(strategy_of):
    def fail(batch, logs):
        raise KeyError(batch)

    model = compiled(strategy_of(1))
    failing = keras.callbacks.LambdaCallback(on_train_batch_end=fail)
    with pytest.raises(KeyError):
        callbacks = [FiniteGradients("skip"), failing]
        model.fit(dataset(), callbacks=callbacks, verbose=0)
    model.fit(dataset(), callbacks=[FiniteGradients("skip")], verbose=0)
    assert_finite(model)
    assert_itself(model)


def test_steps_are_counted_from_the_first_epoch(strategy_of, tmp_path, capsys):
    seen = []

    def batch_of(step):
        seen.append(step)
        return IMAGES[BAD], LABELS[BAD]

    finite = FiniteGradients("skip", batch_of, tmp_path)
    compiled(strategy_of(1)).fit(
        dataset(), initial_epoch=2, epochs=4, callbacks=[finite], verbose=0
    )
    assert seen == [2 * STEPS + BAD, 3 * STEPS + BAD]
    assert sorted(np.load(tmp_path / f"{seen[0]}.npz")) == ["images", "labels"]
    assert f"its batch is in {tmp_path / str(seen[1])}.npz\n" in (
        capsys.readouterr().out
    )


def test_a_folder_is_for_batches():
    with pytest.raises(ValueError, match="both batch_of and directory"):
        FiniteGradients(directory="runs")
    with pytest.raises(ValueError, match="stop or skip. Received: on_nan="):
        FiniteGradients("go on")
