"""Runs a Python program as elsewhere: conditions.py NAME NUMBER PROGRAM …

Not as subprocess' `preexec_fn`, which runs in a copy of the process without
the threads that TensorFlow's libraries look for there, and may end it.
"""

import ctypes
import os
import resource
import signal
import sys


def obey(_):
    """Gives up root's right to read and write everything."""
    bounding_set_drop, override, search = 24, 1, 2
    if os.geteuid() == 0:
        libc = ctypes.CDLL(None, use_errno=True)
        for capability in (override, search):
            if libc.prctl(bounding_set_drop, capability, 0, 0, 0):
                raise OSError(ctypes.get_errno(), "prctl")


def write_at_most(size):
    """Lets no file grow beyond that many bytes, as on a full disk."""
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))


def be_interruptible(_):
    """Undoes what `nohup` and the like do, which would leave out Ctrl-C."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


CONDITIONS = {
    "ordinary_user": obey,
    "full_disk": write_at_most,
    "terminal": be_interruptible,
}

if __name__ == "__main__":
    name, number, *command = sys.argv[1:]
    CONDITIONS[name](int(number))
    os.execv(sys.executable, [sys.executable, *command])
