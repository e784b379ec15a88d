"""A training whose numbers go bad."""

import sys
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
from tensorflow import keras

ROOT = Path(__file__).absolute().parents[2]
sys.path.insert(0, str(ROOT / "examples"))
import train_numbers  # noqa: E402

BAD, STEPS, BATCH = 4, 12, 6
RNG = np.random.default_rng(0)
IMAGES = RNG.normal(size=[STEPS, BATCH, 3]).astype("float32")
# Of the second replica alone.
IMAGES[BAD, -1, 0] = np.nan
LABELS = RNG.normal(size=[STEPS, BATCH, 1]).astype("float32")


def fit(strategy, folder, stop):
    with strategy.scope():
        model = keras.Sequential(
            [
                keras.Input([3]),
                keras.layers.BatchNormalization(),
                keras.layers.Dense(1),
            ]
        )
        model.compile(keras.optimizers.SGD(0.1), "mse")
        finite = train_numbers.FiniteGradients(
            folder, lambda step: (IMAGES[step], LABELS[step]), stop
        )
        finite.watch(model)
    flat = (IMAGES.reshape([-1, 3]), LABELS.reshape([-1, 1]))
    dataset = tf.data.Dataset.from_tensor_slices(flat).batch(BATCH)
    model.fit(dataset, callbacks=[finite], verbose=0)
    return model


@pytest.mark.parametrize("replicas", [1, 2])
def test_a_bad_step_is_skipped_and_its_batch_saved(
    strategy_of, tmp_path, capsys, replicas
):
    model = fit(strategy_of(replicas), tmp_path, stop=False)
    assert all(np.isfinite(weight).all() for weight in model.get_weights())
    assert f"others in step {BAD}, learning rate 0.1" in capsys.readouterr().out
    (path,) = tmp_path.iterdir()
    saved = np.load(path)
    assert path.name == f"{BAD}.npz"
    np.testing.assert_array_equal(saved["images"], IMAGES[BAD])
    np.testing.assert_array_equal(saved["labels"], LABELS[BAD])


def test_a_bad_step_ends_the_training(strategy_of, tmp_path):
    with pytest.raises(FloatingPointError, match=f"others in step {BAD}"):
        fit(strategy_of(1), tmp_path, stop=True)
