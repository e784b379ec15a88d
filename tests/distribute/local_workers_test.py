"""A cluster of processes: who each is, and how it ends."""

import json
import os
import signal
import subprocess
import sys
import time

import pytest

from unpg_tf import distribute

# Has the variable INDEX of a worker, and PATH.
START = """
import json, os, pathlib, signal, sys, time
config = json.loads(os.environ["TF_CONFIG"])
INDEX, PATH = config["task"]["index"], pathlib.Path(sys.argv[1])
"""


def run(program, tmp_path, workers=3):
    command = [sys.executable, "-c", START + program, str(tmp_path)]
    return distribute.run_local_workers(command, workers)


def test_each_worker_learns_who_it_is(tmp_path):
    program = "(PATH / str(INDEX)).write_text(os.environ['TF_CONFIG'])"
    assert run(program, tmp_path) == 0
    configs = [json.loads((tmp_path / str(i)).read_text()) for i in range(3)]
    cluster = configs[0]["cluster"]
    assert len(set(cluster["worker"])) == 3
    for index, config in enumerate(configs):
        task = {"type": "worker", "index": index}
        assert config == {"cluster": cluster, "task": task}


@pytest.mark.parametrize(
    ("failure", "code"),
    [("sys.exit(7)", 7), ("os.kill(os.getpid(), signal.SIGKILL)", 137)],
)
def test_a_failure_ends_all(tmp_path, monkeypatch, capfd, failure, code):
    monkeypatch.setattr(distribute.local_workers, "_GRACE", 0.1)
    program = f"{failure} if INDEX == 1 else time.sleep(600)"
    assert run(program, tmp_path) == code
    assert f"worker 1 of 3: exit code {code}" in capfd.readouterr().err


def test_who_notices_a_lost_worker_is_not_taken_for_it(tmp_path, capfd):
    """Both have ended before the launcher looks again."""
    os.mkfifo(tmp_path / "fifo")
    program = """
with open(PATH / "fifo", "r" if INDEX == 0 else "w") as file:
    if INDEX == 1:
        os.kill(os.getpid(), signal.SIGKILL)
    file.read()
    time.sleep(0.01)
    os._exit(1)
"""
    for _ in range(5):
        assert run(program, tmp_path, workers=2) == 137
        assert "worker 1 of 2: exit code 137" in capfd.readouterr().err


@pytest.mark.parametrize(
    ("number", "codes", "code"),
    [
        (signal.SIGTERM, "(3, 3)", 3),
        (signal.SIGHUP, "(129, 1)", 129),
        # A worker that is left by the other fails in its own way.
        (signal.SIGINT, "(1, 130)", 130),
    ],
)
def test_a_signal_reaches_all_once(tmp_path, number, codes, code):
    """Also one that a terminal sends to all of its group."""
    program = f"""
def end(*_):
    with (PATH / f"{{INDEX}} ended").open("a") as file:
        file.write("once")
    time.sleep(0.1)
    sys.exit({codes}[INDEX])

signal.signal({number}, end)
(PATH / f"{{INDEX}} started").touch()
time.sleep(600)
"""
    # The module alone: it needs no TensorFlow.
    path = distribute.local_workers.__file__
    launch = (
        f"import runpy, sys; module = runpy.run_path({path!r}); "
        "sys.exit(module['run_local_workers'](sys.argv[1:], 2))"
    )
    worker = [sys.executable, "-c", START + program, str(tmp_path)]
    process = subprocess.Popen(
        [sys.executable, "-c", launch, *worker],
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    while len(list(tmp_path.glob("* started"))) < 2:
        assert process.poll() is None
        time.sleep(0.01)
    os.killpg(process.pid, number)
    _, errors = process.communicate()
    assert process.returncode == code
    assert "exit code" not in errors
    ended = [path.read_text() for path in tmp_path.glob("* ended")]
    assert ended == ["once", "once"]
