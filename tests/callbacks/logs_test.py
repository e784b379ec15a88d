"""What is written and printed of each epoch: CSV, TensorBoard, the line."""

import csv
import re

import numpy as np
import pytest
from tensorflow import keras

from tests.callbacks.events import events
from unpg_tf import compat
from unpg_tf import data
from unpg_tf.callbacks import CSVLog
from unpg_tf.callbacks import ProgbarLog
from unpg_tf.callbacks import ScalarLog
from unpg_tf.callbacks import SkippedCount

IMAGES, LABELS = np.ones([8, 3]), np.zeros([8, 1])


class Adds(keras.callbacks.Callback):
    """Puts numbers into the logs, from an epoch on."""

    def __init__(self, first=0, **numbers):
        super().__init__()
        self.first, self.numbers = first, numbers

    def on_epoch_end(self, epoch, logs=None):
        if epoch >= self.first:
            logs.update(self.numbers)


def compiled(rate=0.5):
    model = keras.Sequential([keras.Input([3]), keras.layers.Dense(1)])
    optimizer = keras.optimizers.SGD(rate)
    model.compile(optimizer, "mse", metrics=["accuracy"], jit_compile=False)
    return model


def fit(*callbacks, rate=0.5, **options):
    options = {"epochs": 2, "batch_size": 4, "verbose": 0, **options}
    model = compiled(rate)
    return model.fit(IMAGES, LABELS, callbacks=[*callbacks], **options)


def read(path):
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def test_a_row_has_epoch_rate_seconds_and_numbers(tmp_path):
    # 0.5 before the four steps of two epochs, 0 after them.
    rate = keras.optimizers.schedules.PolynomialDecay(0.5, 4, 0.0)
    path = tmp_path / "logs" / "log.csv"
    history = fit(Adds(val_auc=0.75), CSVLog(path), rate=rate).history
    rows = read(path)
    columns = ["epoch", "learning_rate", "seconds", *history]
    assert list(rows[0]) == columns
    assert [row["epoch"] for row in rows] == ["1", "2"]
    ends = [0.25, 0.0] if compat.IS_KERAS_3 else [0.375, 0.125]
    assert [float(row["learning_rate"]) for row in rows] == ends
    assert [float(row["loss"]) for row in rows] == history["loss"]
    assert {row["val_auc"] for row in rows} == {"0.75"}


def test_a_number_that_comes_later_gets_a_column(tmp_path):
    fit(Adds(1, late=2.5), CSVLog(tmp_path / "log.csv", separator=";"))
    lines = (tmp_path / "log.csv").read_text().splitlines()
    assert lines[0].split(";")[-1] == "late"
    assert [line.split(";")[-1] for line in lines[1:]] == ["", "2.5"]
    assert "NA" not in "".join(lines)


def test_rows_of_earlier_epochs_are_kept(tmp_path):
    path = tmp_path / "log.csv"
    fit(CSVLog(path), epochs=4)
    before = read(path)
    fit(Adds(late=2.5), CSVLog(path), initial_epoch=2, epochs=3)
    rows = read(path)
    assert [row["epoch"] for row in rows] == ["1", "2", "3"]
    assert [{**row, "late": ""} for row in before[:2]] == [
        {**row, "late": ""} for row in rows[:2]
    ]
    assert [row["late"] for row in rows] == ["", "", "2.5"]
    # A new training starts a new file.
    fit(CSVLog(path), epochs=1)
    assert [row["epoch"] for row in read(path)] == ["1"]


@pytest.mark.parametrize(
    ("log", "losses"),
    [
        (b"", []),
        (b"\0" * 9, []),
        (b"loss,accuracy\n1,2\n", []),
        # As Keras' CSVLogger writes it, torn by a crash.
        (b"epoch,loss\n0,3.5\n1\n\n\xff", ["3.5", ""]),
        (b"epoch,loss\n0,3.5\n1,2.5,9,9\n2,1.5\n", ["3.5", "2.5"]),
    ],
)
def test_a_file_of_another_kind_or_torn_is_no_obstacle(tmp_path, log, losses):
    path = tmp_path / "log.csv"
    path.write_bytes(log)
    fit(CSVLog(path), initial_epoch=2, epochs=3)
    *rows, last = read(path)
    assert [(row["epoch"], row["loss"]) for row in rows] == [
        (str(i + 1), loss) for i, loss in enumerate(losses)
    ]
    assert last["epoch"] == "3" and float(last["loss"]) > 0


def test_tensorboard_gets_the_rate_and_what_was_added(tmp_path):
    fit(Adds(val_auc=0.75), ScalarLog(tmp_path))
    found = {(step, name): value for step, name, _, value in events(tmp_path)}
    for epoch in (0, 1):
        assert found[epoch, "val_auc"] == 0.75
        assert found[epoch, "learning_rate"] == 0.5
        assert found[epoch, "loss"] > 0


MANY = {
    **{f"val_tar_at_far_{far}": 0.5 for far in (0.1, 0.01, 0.001)},
    **{"val_auc": 0.25, "negative_mean": 0.1, "val_pair_accuracy": 0.7},
}


def lines_of(capsys):
    """What stays to be seen of the last lines of epochs."""
    printed = re.sub(r"\x1b\[[0-9;]*m", "", capsys.readouterr().out)
    lines = [line.split("\r")[-1] for line in printed.split("\n")]
    return [line.replace("\b", "") for line in lines if "loss" in line]


@pytest.mark.parametrize("verbose", [1, 2])
def test_a_line_has_the_main_numbers_alone(capsys, verbose):
    history = fit(Adds(**MANY), ProgbarLog(), verbose=verbose).history
    assert {*MANY} < {*history}
    lines = lines_of(capsys)
    assert len(lines) >= 2
    for line in lines:
        assert len(line) <= 120
        assert "far" not in line and "negative_mean" not in line
    for name in ("loss", "accuracy", "val_auc"):
        assert f"{name}: {history[name][-1]:.4f}"[:14] in lines[-1]


def test_what_does_not_fit_is_left_out(capsys):
    names = ["val_auc", *(f"val_tar_at_far_{f}" for f in (0.1, 0.01, 0.001))]
    fit(Adds(**MANY), ProgbarLog(names, width=90), verbose=2, epochs=1)
    printed = capsys.readouterr().out.splitlines()[-1]
    assert "val_auc: 0.2500" in printed and len(printed) <= 90
    assert "far_0.1:" in printed and "far_0.001" not in printed
    assert "loss" not in printed


def test_it_takes_the_place_of_keras_own(capsys):
    fit(ProgbarLog(), verbose=2, epochs=2)
    printed = capsys.readouterr().out
    assert printed.count("Epoch 1/2") == printed.count("Epoch 2/2") == 1
    assert len(re.findall("2/2 - ", printed)) == 2


def test_skipped_images_are_counted_until_each_epoch():
    skipped = data.SkippedImages()
    reading = keras.callbacks.LambdaCallback(
        on_epoch_begin=lambda epoch, _: [skipped(f"image {epoch}")] * 2
    )
    history = fit(reading, SkippedCount(skipped)).history
    assert history["skipped_images"] == [1.0, 2.0]
