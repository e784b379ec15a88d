"""Runs the programs of `examples/` as their users do."""

import os
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).absolute().parents[2]


class Done(NamedTuple):
    """What a program that has ended leaves."""

    returncode: int
    stdout: str
    stderr: str


def start(program, *arguments, environment=(), condition=(), **flags):
    """Starts it, with --NAME=VALUE for each of the flags.

    `condition` is what conditions.py takes before a program.
    """
    arguments = [*arguments, *(f"--{k}={v}" for k, v in flags.items())]
    before = [ROOT / "tests/examples/conditions.py", *map(str, condition)]
    before = before if condition else []
    return subprocess.Popen(
        [sys.executable, *before, ROOT / "examples" / program, *arguments],
        env={**os.environ, "PYTHONPATH": str(ROOT), **dict(environment)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def run(program, *arguments, **options):
    """Runs it to its end."""
    process = start(program, *arguments, **options)
    output, errors = process.communicate()
    return Done(process.returncode, output, errors)
