"""`unpg train` on several workers of this machine."""

import csv
import json
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
from tensorflow import keras

import unpg_tf  # noqa: F401  Registers the classes of saved models.
from tests.cli import programs
from tests.data import records
from unpg_tf.data.orders import shuffled

FLAGS = {
    "synthetic_identities": 6,
    "synthetic_images": 8,
    "image_size": 32,
    "embedding_dim": 16,
    "batch_size": 16,
    "epochs": 2,
    "scale": 16,
    # Each replica would drop others.
    "dropout": 0,
}
WORKERS = ("--strategy=multi_worker", "--local_workers=2")


def start(folder, *arguments, **values):
    values = {**FLAGS, **values, "output_dir": folder}
    return programs.start("train", *arguments, **values)


def run(folder, *arguments, **values):
    values = {**FLAGS, **values, "output_dir": folder}
    return programs.run("train", *arguments, **values)


def worker(process, index):
    """The process of a worker, among those that the launcher has started."""
    path = Path(f"/proc/{process.pid}/task/{process.pid}/children")
    (pid,) = (
        int(pid)
        for pid in path.read_text().split()
        if f'"index": {index}' in Path(f"/proc/{pid}/environ").read_text()
    )
    return pid


def test_a_worker_that_never_comes_is_named(tmp_path):
    cluster = {"worker": ["localhost:1", "localhost:2"]}
    task = {"type": "worker", "index": 1}
    code, _, errors = run(
        tmp_path,
        strategy="multi_worker",
        worker_timeout=1,
        environment={
            "TF_CONFIG": json.dumps({"cluster": cluster, "task": task})
        },
    )
    assert code == 1
    assert "unpg train: Expected all workers to come within 1" in errors
    assert "Received: nothing at localhost:1" in errors
    assert "Traceback" not in errors


ALONE = """
import os, signal, time
from unpg_tf.cli.train import flags, machine
flags.FLAGS(["unpg train", "--strategy=multi_worker"])
machine.set_up()
os.kill(os.getpid(), signal.SIGTERM)
time.sleep(10)
"""


def _free_port():
    with socket.socket() as found:
        found.bind(("localhost", 0))
        return found.getsockname()[1]


def test_a_signal_ends_a_worker_before_its_first_step():
    """TensorFlow notes it otherwise, and goes on."""
    cluster, task = (
        {"worker": [f"localhost:{_free_port()}"]},
        {"index": 0, "type": "worker"},
    )
    process = subprocess.run(
        [sys.executable, "-c", ALONE],
        env={
            **os.environ,
            "PYTHONPATH": str(programs.ROOT),
            "TF_CONFIG": json.dumps({"cluster": cluster, "task": task}),
        },
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.returncode == -signal.SIGTERM, process.stderr


def test_a_lost_worker_ends_all_and_they_resume_as_one_process(tmp_path):
    """Each reads its own part, of a record file with one broken image."""
    rng = np.random.default_rng(0)
    pixels = rng.integers(0, 256, (24, 32, 32, 3)).astype(np.uint8)
    images = [
        (i // 3, tf.io.encode_png(x).numpy()) for i, x in enumerate(pixels)
    ]
    images[5] = (1, b"nothing")
    records.write(tmp_path / "train.rec", images, classes=8)
    # Its stand-in is the first good image of the part, the same in the whole:
    # each epoch has it in the first half of its second batch, after the kill.
    second_batch = (
        seed
        for seed in range(999)
        if all(5 in shuffled(24, 24, seed, i)[0, 12:18] for i in range(2))
    )
    arguments = ("--nocache", "--on_bad_image=skip")
    values = {
        "data": tmp_path / "train.rec",
        "batch_size": 12,
        "seed": next(second_batch),
        "checkpoint_steps": 1,
        # At a higher one training itself makes more of a rounding.
        "learning_rate": 0.002,
    }
    folder = tmp_path / "workers"
    process = start(folder, *WORKERS, *arguments, **values)
    while not (folder / "checkpoints" / "ckpt-1.json").exists():
        assert process.poll() is None, process.communicate()[1]
        time.sleep(0.01)
    os.kill(worker(process, 1), signal.SIGKILL)
    _, errors = process.communicate()
    assert process.returncode == 137, errors
    assert "worker 1 of 2: exit code 137" in errors
    assert "unpg train: Expected all workers to answer" in errors
    assert "Received: Graph execution error" not in errors
    # With which the same run starts again.
    flags = (folder / "flags.txt").read_text()
    assert {*WORKERS} <= {*flags.splitlines()}
    code, output, errors = run(
        folder, *WORKERS, *arguments, "--resume", **values
    )
    assert code == 0, errors
    # One writes, and one speaks.
    assert output.count("trained for 2 epochs") == 1
    code, _, others = run(
        tmp_path / "one",
        "--strategy=mirrored",
        "--devices=2",
        *arguments,
        **values,
    )
    assert code == 0, others
    for told in (errors, others):
        assert f"Received: {tmp_path}/train.rec, record 6" in told
    logs = (read_log(path) for path in (folder, tmp_path / "one"))
    for resumed, expected in zip(*logs, strict=True):
        loss = float(expected["loss"])
        assert float(resumed["loss"]) == pytest.approx(loss, rel=1e-4)
        assert float(expected["skipped_images"]) == 1
    # It counts from where it went on.
    assert float(resumed["skipped_images"]) == 1
    pairs = zip(weights(folder), weights(tmp_path / "one"), strict=True)
    for found, expected in pairs:
        size = np.abs(expected).max()
        np.testing.assert_allclose(found, expected, atol=1e-4 * size)


def weights(folder):
    model = keras.models.load_model(folder / "model.keras", compile=False)
    return model.get_weights()


def read_log(folder):
    with (folder / "log.csv").open(newline="") as file:
        return list(csv.DictReader(file))


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ('{"clutser": {"worker": ["a:1"]}}', "Received: no cluster, but "),
        (
            '{"cluster": {"worker": ["a:1"], "ps": ["b:1"]}}',
            "which parameter servers never see. Received: ps",
        ),
    ],
)
def test_a_cluster_that_cannot_train_in_step_is_refused(
    tmp_path, config, message
):
    code, _, errors = run(
        tmp_path,
        "--strategy=multi_worker",
        environment={"TF_CONFIG": config},
    )
    assert code == 1
    assert message in errors
    assert "Traceback" not in errors
