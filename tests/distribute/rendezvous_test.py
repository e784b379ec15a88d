"""Workers that come, that come late, and that never do."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from unpg_tf import distribute

ROOT = Path(__file__).absolute().parents[2]
PROGRAM = """
import sys
from unpg_tf import distribute
print("here", flush=True)
try:
    distribute.wait_for_workers(float(sys.argv[1]))
except OSError as error:
    sys.exit(f"{type(error).__name__}: {error}")
# Whose server answers those that have not come through yet.
distribute.MultiWorkerMirroredStrategy()
"""


@pytest.fixture
def cluster():
    """The addresses of two workers and a chief, at ports that are free."""
    sockets = [socket.create_server(("localhost", 0)) for _ in range(3)]
    chief, *workers = (f"localhost:{s.getsockname()[1]}" for s in sockets)
    for each in sockets:
        each.close()
    return {"chief": [chief], "worker": workers, "evaluator": ["nobody:1"]}


def config(cluster, job, index):
    return json.dumps(
        {"cluster": cluster, "task": {"type": job, "index": index}}
    )


def start(seconds, *task):
    return subprocess.Popen(
        [sys.executable, "-c", PROGRAM, str(seconds)],
        env={**os.environ, "PYTHONPATH": str(ROOT), "TF_CONFIG": config(*task)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def test_all_go_on_once_the_last_has_come(cluster):
    waiting = [
        start(60, cluster, "worker", 1),
        start(60, cluster, "chief", 0),
    ]
    for process in waiting:
        process.stdout.readline()
    time.sleep(0.5)
    assert [process.poll() for process in waiting] == [None, None]
    for process in (start(60, cluster, "worker", 0), *waiting):
        _, errors = process.communicate()
        assert process.returncode == 0, errors


def test_one_that_never_comes_is_named(cluster):
    waiting = [start(3, cluster, "worker", 0), start(3, cluster, "worker", 1)]
    (missing,) = cluster["chief"]
    for process in waiting:
        _, errors = process.communicate()
        assert process.returncode == 1
        assert errors.splitlines()[-1] == (
            "TimeoutError: Expected all workers to come within 3.0 seconds. "
            f"Received: nothing at {missing}"
        )


def test_a_signal_ends_the_wait(cluster):
    process = start(60, cluster, "worker", 0)
    process.stdout.readline()
    time.sleep(0.5)
    process.send_signal(signal.SIGTERM)
    process.communicate()
    assert process.returncode == -signal.SIGTERM


def test_a_port_that_is_taken_is_named(cluster, monkeypatch):
    port = int(cluster["worker"][0].partition(":")[2])
    monkeypatch.setenv("TF_CONFIG", config(cluster, "worker", 0))
    with (
        socket.create_server(("", port)),
        pytest.raises(OSError, match=f"Expected port {port}, this worker's"),
    ):
        distribute.wait_for_workers(1)


@pytest.mark.parametrize(
    "alone",
    [
        {"cluster": {}, "task": {"type": "worker", "index": 0}},
        {
            "cluster": {"worker": ["localhost:1"]},
            "task": {"type": "worker", "index": 0},
        },
        # What the strategy refuses.
        {"cluster": {"worker": ["localhost:1", "localhost:2"]}},
    ],
)
def test_one_alone_waits_for_nobody(monkeypatch, alone):
    monkeypatch.setenv("TF_CONFIG", json.dumps(alone))
    distribute.wait_for_workers(0)
