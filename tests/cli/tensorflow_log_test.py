"""What a program says of TensorFlow: crashes, and nothing else."""

import json
import os
import signal
import subprocess
import sys

import pytest

from tests.cli.programs import ROOT

# As TensorFlow's C++ code does; the package is imported as the command does.
TALK = """
import logging, os, sys, warnings
path, *how = sys.argv[1:]
sys.argv = ["unpg", "train"]
from unpg_tf.cli import tensorflow_log

tensorflow_log.begin("unpg train")
os.write(2, b"I0000 a.cc:1] early\\n")
if path:
    tensorflow_log.keep(path)
os.write(2, b"W0000 a.cc:2] late\\n")
logging.getLogger("tensorflow").warning("by Python")
warnings.warn("deprecated")
logging.getLogger("tensorflow").error("an error of TensorFlow")
logging.getLogger("unpg_tf").warning("of ours")
print("printed", file=sys.stderr)
assert "tensorflow" not in sys.modules
"""
SHOWN = ["an error of TensorFlow", "unpg train: warning: of ours", "printed"]


def talk(end, *arguments, **options):
    """Runs it to an end."""
    return subprocess.run(
        [sys.executable, "-c", TALK + end, *map(str, arguments)],
        cwd=ROOT,
        stderr=subprocess.PIPE,
        text=True,
        **options,
    )


def test_what_tensorflow_writes_is_in_the_log_alone(tmp_path):
    log = tmp_path / "tensorflow.log"
    log.write_text("of an earlier run: Check failed\n")
    done = talk("", log)
    assert done.returncode == 0
    assert done.stderr.splitlines() == SHOWN
    text = log.read_text()
    assert text.startswith("of an earlier run: Check failed\n== ")
    for line in ("early", "late", "by Python", "deprecated", *SHOWN[:1]):
        assert text.count(line) >= 1, text
    assert "printed" not in text and "of ours" not in text


@pytest.mark.parametrize("kept", [True, False])
def test_a_crash_shows_the_last_messages(tmp_path, kept):
    log = tmp_path / "tensorflow.log"
    log.write_text("F0000 of an earlier run\n")
    end = 'os.write(2, b"F0000 a.cc:3] Check failed: a\\nb\\n"); os.abort()'
    done = talk(end, log if kept else "")
    assert done.returncode == -signal.SIGABRT
    lines = done.stderr.splitlines()
    assert lines[:3] == SHOWN
    assert "Fatal Python error: Aborted" in lines
    where = f" (in {log})" if kept else ""
    assert lines[-3:] == [
        f"unpg train: TensorFlow has crashed. Its last messages{where}:",
        "F0000 a.cc:3] Check failed: a",
        "b",
    ]


@pytest.mark.parametrize(
    ("end", "code"),
    [
        ('sys.exit("unpg train: wrong")', 1),
        ("from unpg_tf.cli import failures; failures.leave(3)", 3),
        ("os.kill(os.getpid(), 9)", -9),
    ],
)
def test_another_end_shows_none(tmp_path, end, code):
    done = talk(end, tmp_path / "tensorflow.log")
    assert done.returncode == code
    assert "Fatal" not in done.stderr and "last messages" not in done.stderr


def test_other_processes_inherit_what_was_restored(tmp_path):
    end = 'tensorflow_log.restore(); os.system("echo inherited >&2")'
    done = talk(end, tmp_path / "tensorflow.log")
    assert done.stderr.splitlines() == [*SHOWN, "inherited"]


def test_a_place_that_can_not_be_written_is_no_error(tmp_path):
    done = talk("", tmp_path / "nowhere" / "tensorflow.log")
    assert done.returncode == 0
    assert done.stderr.splitlines() == SHOWN


def test_a_full_disk_is_no_error(tmp_path):
    full = f"""
import sys
sys.path.append({str(ROOT)!r})
from tests.cli import conditions
conditions.full_disk(0)
"""
    done = subprocess.run(
        [sys.executable, "-c", full + TALK, tmp_path / "tensorflow.log"],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stderr=subprocess.PIPE,
        text=True,
    )
    assert "of ours" in done.stderr and "printed" in done.stderr


INTERRUPTED = """
import os, signal, sys

class AtTensorFlow:
    def find_spec(self, name, path=None, target=None):
        if name == "tensorflow":
            os.kill(os.getpid(), signal.SIGINT)

signal.signal(signal.SIGINT, signal.default_int_handler)
sys.meta_path.insert(0, AtTensorFlow())
sys.argv = ["unpg", *sys.argv[1:]]
from unpg_tf import cli
cli.main()
"""


@pytest.mark.parametrize("worker", [None, 0, 1])
def test_ctrl_c_amid_the_imports_ends_in_a_line(worker):
    """One of several workers says it."""
    arguments, config = [], {}
    if worker is not None:
        arguments = ["--strategy=multi_worker"]
        cluster = {"worker": ["localhost:1", "localhost:2"]}
        task = {"type": "worker", "index": worker}
        config = {"TF_CONFIG": json.dumps({"cluster": cluster, "task": task})}
    command = ["train", "--output_dir=none", *arguments]
    done = subprocess.run(
        [sys.executable, "-c", INTERRUPTED, *command],
        cwd=ROOT,
        env={**os.environ, **config},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 130
    assert done.stdout == ""
    assert done.stderr == ("" if worker else "unpg train: interrupted\n")
