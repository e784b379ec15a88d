"""Runs the programs of the command `unpg` as their users do.

A process that has imported TensorFlow, and done nothing else, is copied for
each program: the import would take longer than most of them have to do here.
"""

import atexit
import importlib
import multiprocessing
import os
import signal
import sys
import tempfile
from pathlib import Path
from typing import NamedTuple

from tests.cli import conditions

ROOT = Path(__file__).absolute().parents[2]
_COPIED = multiprocessing.get_context("forkserver")
_COPIED.set_forkserver_preload(["tensorflow", "keras", "matplotlib.pyplot"])
_STREAMS = {1: "stdout", 2: "stderr"}


class Done(NamedTuple):
    """What a program that has ended leaves."""

    returncode: int
    stdout: str
    stderr: str


class _Copy:
    """A copied process and its program, like a `subprocess.Popen`."""

    def __init__(self, *arguments):
        self._folder = tempfile.TemporaryDirectory()
        self._process = _COPIED.Process(
            target=_run_in_copy, args=(self._folder.name, *arguments)
        )
        self._process.start()
        self.pid = self._process.pid

    @property
    def returncode(self):
        return self._process.exitcode

    poll = returncode.fget

    def send_signal(self, number):
        os.kill(self.pid, number)

    def kill(self):
        self.send_signal(signal.SIGKILL)

    def printed(self):
        """What it has printed so far."""
        path = Path(self._folder.name, "stdout")
        return path.read_text() if path.exists() else ""

    def communicate(self):
        self._process.join()
        folder = Path(self._folder.name)
        return tuple((folder / name).read_text() for name in _STREAMS.values())


def _run_in_copy(folder, command, environment, condition):
    for number, name in _STREAMS.items():
        os.dup2(os.open(Path(folder, name), os.O_WRONLY | os.O_CREAT), number)
    os.environ.clear()
    os.environ.update(environment)
    sys.argv = ["unpg", *command]
    if condition:
        getattr(conditions, condition[0])(*condition[1:])
    try:
        importlib.import_module("unpg_tf.cli").main()
    finally:
        atexit._run_exitfuncs()


def start(program, *arguments, environment=(), condition=(), **flags):
    """Starts it, with --NAME=VALUE for each of the flags.

    `condition` is a function of conditions.py by name, and its arguments.
    """
    arguments = [*arguments, *(f"--{k}={v}" for k, v in flags.items())]
    command = [program, *map(str, arguments)]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), **dict(environment)}
    return _Copy(command, environment, condition)


def run(program, *arguments, **options):
    """Runs it to its end."""
    process = start(program, *arguments, **options)
    output, errors = process.communicate()
    return Done(process.returncode, output, errors)
