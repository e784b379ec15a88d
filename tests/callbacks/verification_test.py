import csv

import numpy as np
import pytest
import tensorflow as tf
from tensorflow import keras

from unpg_tf.callbacks import VerificationCallback
from unpg_tf.evaluation import Embedder
from unpg_tf.evaluation import evaluate_embeddings
from unpg_tf.evaluation import evaluate_pairs
from unpg_tf.evaluation import synthetic_pairs
from unpg_tf.layers import CosFace
from unpg_tf.losses import UNPGLoss
from unpg_tf.models import EmbeddingModel

SIZE, CLASSES, DIM = 16, 4, 6
KEYS = ["val_pair_accuracy", "val_auc", "val_eer", "val_tar_at_far_0.1"]


def compiled_model():
    backbone = keras.Sequential(
        [
            keras.Input((SIZE, SIZE, 3)),
            keras.layers.Rescaling(1 / 127.5, offset=-1),
            keras.layers.Flatten(),
            keras.layers.BatchNormalization(synchronized=True),
            keras.layers.Dense(DIM),
        ]
    )
    model = EmbeddingModel(backbone, CosFace(CLASSES))
    model.compile("sgd", UNPGLoss(scale=8.0, embedding_dim=DIM))
    return model


def dataset():
    rng = np.random.default_rng(0)
    images = rng.uniform(0, 255, (16, SIZE, SIZE, 3)).astype("float32")
    labels = np.arange(16, dtype="int32") % CLASSES
    return tf.data.Dataset.from_tensor_slices((images, labels)).batch(8)


@pytest.mark.parametrize("replicas", [1, 2])
def test_later_callbacks_and_the_history_see_it(
    strategy_of, tmp_path, replicas
):
    pairs = synthetic_pairs(40, SIZE, folds=4)
    with strategy_of(replicas).scope():
        model = compiled_model()
    history = model.fit(
        dataset(),
        epochs=3,
        callbacks=[
            VerificationCallback(pairs, batch_size=32),
            keras.callbacks.CSVLogger(tmp_path / "log.csv"),
            keras.callbacks.ModelCheckpoint(
                tmp_path / "{val_auc:.4f}.weights.h5", save_weights_only=True
            ),
        ],
        verbose=0,
    ).history
    assert [key for key in history if key.startswith("val_")] == KEYS
    # The weights change from epoch to epoch, and the evaluation with them.
    assert len(set(history["val_auc"])) == 3
    report, _ = evaluate_pairs(Embedder(model), pairs)
    expected = [report["accuracy"], report["auc"], report["eer"]]
    expected.append(report["tar_at_far"]["0.1"])
    for key, value in zip(KEYS, expected, strict=True):
        assert history[key][-1] == pytest.approx(value, abs=1e-6)
    with open(tmp_path / "log.csv") as log:
        rows = list(csv.DictReader(log))
    assert [float(row["val_auc"]) for row in rows] == history["val_auc"]
    name = f"{history['val_auc'][-1]:.4f}.weights.h5"
    assert (tmp_path / name).is_file()


def test_one_fold_takes_the_threshold_of_other_pairs():
    pairs = synthetic_pairs(40, SIZE, folds=1)
    others = synthetic_pairs(40, SIZE, folds=1, first_identity=0)
    with pytest.raises(ValueError, match="synthetic has one fold"):
        VerificationCallback(pairs)
    model = compiled_model()
    callback = VerificationCallback(pairs, others, flip=False)
    history = model.fit(dataset(), callbacks=[callback], verbose=0).history
    embedder = Embedder(model, flip=False)
    report = evaluate_pairs(embedder, pairs, others).report
    assert history["val_pair_accuracy"] == [pytest.approx(report["accuracy"])]


def test_embeddings_that_overflow_are_like_no_other(caplog):
    pairs = synthetic_pairs(40, SIZE, folds=4)
    keras.mixed_precision.set_global_policy("mixed_float16")
    try:
        model = compiled_model()
    finally:
        keras.mixed_precision.set_global_policy("float32")
    model.optimizer.learning_rate = 0.0
    dense = model.backbone.layers[-1]
    # Now about half of the images have an entry beyond what float16 holds.
    embedder = Embedder(model, flip=False, unit_length=False)
    largest = np.abs(embedder(pairs.images)).max(axis=1)
    dense.kernel.assign(dense.kernel * 65504 / np.median(largest))
    callback = VerificationCallback(pairs, flip=False)
    history = model.fit(dataset(), callbacks=[callback], verbose=0).history
    embeddings = Embedder(model, flip=False)(pairs.images)
    finite = np.isfinite(embeddings).all(axis=1)
    assert 0 < finite.sum() < len(finite)
    assert f"Received: {np.sum(~finite)} of {len(finite)} that" in caplog.text
    embeddings[~finite] = 0.0
    expected = evaluate_embeddings(
        embeddings, pairs.left, pairs.right, pairs.same, pairs.fold
    )
    assert history["val_auc"] == [pytest.approx(expected["auc"])]
