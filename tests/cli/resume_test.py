"""`unpg train`, interrupted and resumed."""

import csv
import json
import os
import shutil
import signal
import time
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

from tests.cli import programs
from tests.cli.given import given
from unpg_tf import callbacks
from unpg_tf.cli.train import program
from unpg_tf.cli.train.flags import FLAGS as TRAIN_FLAGS

FLAGS = {
    "synthetic_identities": 6,
    "synthetic_images": 8,
    "image_size": 32,
    "embedding_dim": 16,
    "batch_size": 8,
    "epochs": 3,
    "scale": 16,
    "seed": 3,
    "checkpoint_steps": 2,
    "deterministic": True,
}


def start(folder, *arguments, **values):
    values = {**FLAGS, **values, "output_dir": folder}
    return programs.start("train", *arguments, **values)


def run(folder, *arguments, **values):
    values = {**FLAGS, **values, "output_dir": folder}
    return programs.run("train", *arguments, **values)


def wait_for(process, path, pattern, size=0):
    """Until there is a file of more bytes than that."""
    while not any(file.stat().st_size > size for file in path.glob(pattern)):
        assert process.poll() is None, process.communicate()[1]
        time.sleep(0.01)


def seals(folder):
    paths = folder.glob("checkpoints/ckpt-*.json")
    return sorted(paths, key=lambda path: int(path.stem[5:]))


def last_weights(folder):
    """What the last checkpoint holds of model and optimizer, by name."""
    reader = tf.train.load_checkpoint(str(seals(folder)[-1].with_suffix("")))
    names = reader.get_variable_to_shape_map()
    return {
        name: reader.get_tensor(name)
        for name in names
        if name.startswith(("model", "optimizer", "random"))
        and reader.get_variable_to_dtype_map()[name] != tf.string
    }


def assert_same_end(folder, expected):
    ours, theirs = last_weights(folder), last_weights(expected)
    assert len(ours) > 20 and ours.keys() == theirs.keys()
    for name, value in theirs.items():
        np.testing.assert_array_equal(ours[name], value, err_msg=name)
    rows, others = (read_log(path) for path in (folder, expected))
    assert len(rows) == len(others)
    for row, other in zip(rows, others, strict=True):
        assert row == pytest.approx(other, rel=1e-5)


def read_log(folder):
    """The numbers of each epoch, but for the time that it took."""
    with (folder / "log.csv").open(newline="") as file:
        return [
            {k: float(v) for k, v in row.items() if k != "seconds"}
            for row in csv.DictReader(file)
        ]


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """The folder of an uninterrupted run."""
    folder = tmp_path_factory.mktemp("whole")
    code, _, errors = run(folder)
    assert code == 0, errors
    return folder


@pytest.fixture
def again(whole, tmp_path):
    """A copy of it."""
    return Path(shutil.copytree(whole, tmp_path / "again"))


def test_a_run_ended_again_and_again_ends_as_if_it_had_not(whole, tmp_path):
    """Each part goes on from the one before, and is ended another way."""

    def part(until, end=signal.SIGKILL, size=0, **values):
        process = start(tmp_path, *resume, **values)
        wait_for(process, tmp_path, until, size)
        process.send_signal(end)
        output, errors = process.communicate()
        resume[:] = ["--resume"]
        return process.returncode, output, errors

    resume = []
    # In an evaluation: the first numbers are written, pictures and the
    # checkpoint are to come.
    part("tensorboard/verification/events*", size=200)
    assert [path.stem for path in seals(tmp_path)] == ["ckpt-2", "ckpt-4"]
    # Within an epoch of which nothing is saved.
    _, output, _ = part("checkpoints/ckpt-6.json", checkpoint_steps=0)
    assert "after 0 epochs and 4 steps" in output
    code, output, errors = part("checkpoints/ckpt-8.json", signal.SIGTERM)
    assert "after 1 epochs\n" in output
    assert code == 143
    assert "SIGTERM" in errors and "--resume" in errors
    assert not (tmp_path / "model.keras").exists()
    code, output, errors = run(tmp_path, "--resume=auto")
    assert code == 0, errors
    assert "after 1 epochs and" in output
    # Each part has added its messages.
    log = (tmp_path / "tensorflow.log").read_text()
    assert sum(line.startswith("== ") for line in log.splitlines()) == 4
    assert_same_end(tmp_path, whole)


def test_a_run_killed_in_an_export_exports_again(again):
    """Also where the model of a shorter run is there."""
    longer = {"epochs": 4, "strategy": "mirrored", "devices": 2}
    process = start(again, "--resume", **longer)
    wait_for(process, again, "unfinished.keras", size=-1)
    process.kill()
    output, _ = process.communicate()
    assert "replicas: 2; the run that is resumed had 1" in output
    assert json.loads(seals(again)[-1].read_text())["run"]["replicas"] == 2
    before = (again / "model.keras").stat().st_mtime
    # As a kill within a checkpoint leaves it.
    leftover = again / "checkpoints" / "ckpt-99_temp"
    leftover.mkdir()
    (leftover / "part").touch()
    code, output, errors = run(again, "--resume", epochs=4)
    assert code == 0, errors
    assert "going on after 4 epochs" in output
    assert "replicas: 1; the run that is resumed had 2" in output
    assert (again / "model.keras").stat().st_mtime > before
    assert not leftover.exists()


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"epochs": 3}, "Expected --epochs above the 3 that are done"),
        (
            {"epochs": 4, "batch_size": 4},
            "Expected --batch_size=8, as in .*/flags.txt of the run that is "
            "resumed. Received: --batch_size=4",
        ),
    ],
)
def test_what_can_not_go_on_is_refused(again, changes, message):
    values = {**FLAGS, "resume": True, "output_dir": str(again), **changes}
    with given(TRAIN_FLAGS, **values), pytest.raises(SystemExit, match=message):
        program.main()


def test_a_torn_checkpoint_is_passed_over(whole, again):
    """And a full disk at the export is told, which then is made up for."""
    torn = seals(again)[-1]
    for part in torn.parent.glob(f"{torn.stem}.data*"):
        os.truncate(part, part.stat().st_size // 2)
    (again / "model.keras").unlink()
    size = max(p.stat().st_size for p in again.glob("checkpoints/*"))
    code, output, errors = run(
        again, "--resume", condition=("full_disk", size + 1000)
    )
    assert f"{torn.stem}: not whole, passed over" in output
    assert "after 2 epochs and 4 steps" in output
    assert code == 1, errors
    assert f"unpg train: Expected room for {again / 'model.keras'}" in errors
    assert "Traceback" not in errors
    assert not list(again.glob("*.keras"))
    code, _, errors = run(again, "--resume")
    assert code == 0, errors
    assert (again / "model.keras").exists()
    assert_same_end(again, whole)


def flip(part, seed):
    content = bytearray(part.read_bytes())
    place = np.random.default_rng(seed).integers(len(content))
    content[place] ^= 1
    part.write_bytes(content)


def cut(part, seed):
    size = np.random.default_rng(seed).integers(part.stat().st_size)
    os.truncate(part, size)


@pytest.mark.parametrize("suffix", [".data-00000-of-00001", ".index", ".json"])
@pytest.mark.parametrize("damage", [flip, cut])
def test_any_damage_to_a_checkpoint_is_noticed(again, suffix, damage):
    last, before = seals(again)[-1], seals(again)[-2]
    part = last.with_suffix(suffix)
    content = part.read_bytes()
    for seed in range(20):
        damage(part, seed)
        path, _ = callbacks.last_checkpoint(last.parent)
        assert path == str(before.with_suffix(""))
        part.write_bytes(content)
    path, _ = callbacks.last_checkpoint(last.parent)
    assert path == str(last.with_suffix(""))


@pytest.mark.parametrize("content", ["", "[]", "3", "{}", "null", "\xff"])
def test_what_is_no_seal_is_noticed(again, content):
    seals(again)[-1].write_text(content, encoding="latin-1")
    path, _ = callbacks.last_checkpoint(again / "checkpoints")
    assert path.endswith(seals(again)[-2].stem)


def test_a_full_disk_leaves_the_last_checkpoint(again):
    before = [path.name for path in seals(again)]
    size = max(p.stat().st_size for p in again.glob("checkpoints/*"))
    disk = ("full_disk", size // 2)
    code, _, errors = run(again, "--resume", epochs=4, condition=disk)
    assert code == 1, errors
    assert "unpg train: Expected room for a checkpoint" in errors
    assert "Traceback" not in errors
    assert [path.name for path in seals(again)] == before
    # What had no room takes none.
    assert not list(again.glob("checkpoints/*_temp"))
    path, saved = callbacks.last_checkpoint(again / "checkpoints")
    assert path.endswith("ckpt-18") and saved["position"]["epoch"] == 3
