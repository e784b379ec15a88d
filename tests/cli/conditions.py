"""What a program may find elsewhere, brought about in its process."""

import ctypes
import os
import resource
import signal

_VERSION_3 = 0x20080522
_OVERRIDE, _SEARCH = 1, 2


class _Capabilities(ctypes.Structure):
    """The sets of a process: the first of two, which holds those below 32."""

    _fields_ = [
        (name, ctypes.c_uint32)
        for name in ("effective", "permitted", "inheritable")
    ]


def ordinary_user():
    """Gives up root's right to read and write everything."""
    if os.geteuid():
        return
    libc = ctypes.CDLL(None, use_errno=True)
    header, sets = (ctypes.c_uint32 * 2)(_VERSION_3), (_Capabilities * 2)()
    for call in (libc.capget, libc.capset):
        if call(header, sets):
            raise OSError(ctypes.get_errno(), call.__name__)
        # What is permitted too, by which os.access answers.
        sets[0].effective &= ~(1 << _OVERRIDE | 1 << _SEARCH)
        sets[0].permitted &= ~(1 << _OVERRIDE | 1 << _SEARCH)


def full_disk(size):
    """Lets no file grow beyond that many bytes, as on a full disk."""
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))


def terminal():
    """Undoes what `nohup` and the like do, which would leave out Ctrl-C."""
    signal.signal(signal.SIGINT, signal.default_int_handler)
