import numpy as np
import pytest
import tensorflow as tf
from tensorflow import keras

from tests.callbacks.events import events
from tests.metrics.cases import random_case
from unpg_tf.callbacks import EventLog
from unpg_tf.callbacks import VerificationCallback
from unpg_tf.evaluation import Embedder
from unpg_tf.evaluation import evaluate_pairs
from unpg_tf.evaluation import synthetic_pairs


def test_numbers_pictures_and_histograms_are_written(tmp_path):
    similarities, same = random_case(0, 200)
    EventLog(tmp_path).write(3, {"auc": 0.75}, similarities, same, 0.2)
    found = {(tag, kind): (s, v) for s, tag, kind, v in events(tmp_path)}
    assert found["auc", "scalars"] == (3, np.float32(0.75))
    for name, kind in (("same", same), ("different", ~same)):
        step, bars = found[f"similarities/{name}", "histograms"]
        assert step == 3 and bars.shape[1] == 3
        assert bars[:, 2].sum() == kind.sum()
        for left, right, count in bars[:-1]:
            inside = (similarities[kind] >= left) & (similarities[kind] < right)
            assert inside.sum() == count
    for name in ("roc", "similarities"):
        _, (width, height, contents) = found[name, "images"]
        shape = tf.io.decode_png(contents).shape
        assert shape[:2] == (int(height), int(width))
    assert len(found) == 5


def test_a_training_logs_each_epoch(tmp_path):
    size, pairs = 8, synthetic_pairs(40, 8, folds=4)
    layers = [keras.layers.Flatten(), keras.layers.Dense(3)]
    model = keras.Sequential([keras.Input((size, size, 3)), *layers])
    model.compile("sgd", "mse")
    callback = VerificationCallback(pairs, log_dir=tmp_path)
    data = pairs.images[:8] / 255, np.ones((8, 3))
    model.fit(*data, epochs=2, callbacks=[callback], verbose=0)
    found = events(tmp_path)
    assert sorted({step for step, *_ in found}) == [0, 1]
    report = evaluate_pairs(Embedder(model), pairs, replicates=0).report
    last = {tag: v for s, tag, kind, v in found if s and kind == "scalars"}
    assert last["val_auc"] == pytest.approx(report["auc"])
    assert last["val_eer"] == pytest.approx(report["eer"])
    assert [tag for s, tag, kind, _ in found if s and kind == "images"] == [
        *("roc", "similarities")
    ]
