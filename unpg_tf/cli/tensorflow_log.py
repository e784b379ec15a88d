"""What TensorFlow writes to stderr, in a log instead of amid the output.

TensorFlow's C++ code writes to the file descriptor 2 itself, some lines of it
at any TF_CPP_MIN_LOG_LEVEL. While a program of the command `unpg` runs, that
descriptor is a file, and `sys.stderr` another one of where it led before. It
is a file and no pipe, on which TensorFlow could wait for Python, and Python
for TensorFlow; it also outlives a crash.
"""

import atexit
import contextlib
import faulthandler
import logging
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

_STDERR = 2
_READER = Path(__file__).with_name("crash_report.py")
_current = None


def begin(program):
    """Diverts descriptor 2, and all logging of Python but errors, into a log.

    Errors, what `unpg_tf` itself logs and crashes of the process still show.
    The log is a file without a name until `keep` gives it one. Nothing is
    diverted where no file can be made.

    Args:
        program: string, what a crash report begins with.
    """
    global _current
    if sys.stderr is None:
        return  # Closed, as by some that start services.
    with contextlib.suppress(OSError):
        _current = _Diversion(program)
        _log_by_python(program)
        atexit.register(end)


def keep(path):
    """Writes the log to a file from now on, after what that holds already.

    Args:
        path: the file. Where it can't be written all stays as it is.
    """
    if _current is not None:
        with contextlib.suppress(OSError):
            _current.keep(Path(path))


def end():
    """Says that the process ends in order, of which no crash is reported."""
    if _current is not None:
        _current.end()


def restore():
    """Makes descriptor 2 what it was, for other processes to inherit."""
    if _current is not None:
        _current.end()
        os.dup2(sys.stderr.fileno(), _STDERR)


class _Diversion:
    """Descriptor 2 as a file, and a process that looks at it after a crash."""

    def __init__(self, program):
        file = tempfile.TemporaryFile(buffering=0)
        sys.stderr.flush()
        self._file = file
        sys.stderr = open(
            os.dup(_STDERR),
            "w",
            buffering=1,
            encoding=sys.stderr.encoding,
            errors="backslashreplace",
        )
        os.dup2(file.fileno(), _STDERR)
        faulthandler.enable(sys.stderr)
        # Ctrl-C in a terminal is meant for the program alone.
        with contextlib.suppress(OSError):
            self._reader = None
            self._reader = subprocess.Popen(
                [sys.executable, "-IS", _READER, program],
                stdin=subprocess.PIPE,
                stdout=file,
                stderr=sys.stderr,
                start_new_session=True,
            )

    def keep(self, path):
        file = open(path, "ab", buffering=0)
        start = file.tell()
        file.write(f"== {time.asctime()}: {' '.join(sys.argv)}\n".encode())
        self._file.seek(0)
        file.write(self._file.read())
        os.dup2(file.fileno(), _STDERR)
        self._file = file
        self._tell(f"{start} {path.absolute()}\n".encode())

    def end(self):
        self._tell(b"\0")
        if self._reader:
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._reader.wait(1)
            self._reader = None

    def _tell(self, message):
        if self._reader:
            with contextlib.suppress(OSError):
                self._reader.stdin.write(message)
                self._reader.stdin.flush()


class _ToDescriptor(logging.Handler):
    """Writes records where TensorFlow's C++ code writes its own."""

    def emit(self, record):
        line = f"{record.levelname} {record.name}: {self.format(record)}\n"
        # Of a full disk the log says nothing.
        with contextlib.suppress(OSError):
            os.write(_STDERR, line.encode(errors="backslashreplace"))


def _log_by_python(program):
    # TensorFlow and absl leave a root that has a handler alone.
    root, own = logging.getLogger(), logging.getLogger("unpg_tf")
    root.addHandler(_ToDescriptor())
    root.addHandler(_shown(logging.ERROR))
    own.addHandler(_shown(logging.WARNING, f"{program}: warning: "))
    own.propagate = False
    logging.captureWarnings(True)


def _shown(level, beginning=""):
    handler = logging.StreamHandler(sys.stderr)
    handler.setLevel(level)
    handler.setFormatter(logging.Formatter(f"{beginning}%(message)s"))
    return handler
