"""Shows why TensorFlow has ended a process: crash_report.py PROGRAM.

It is a process of its own, which waits for the end of the program. On stdin it
is told where the log is, `START PATH` in a line, and by a zero byte that the
program ends in order. Until then the log is the file that is stdout. It needs
no package, so that it starts at once.
"""

import os
import re
import sys

# TensorFlow's fatal lines, old and new, and those of the C and C++ libraries.
FATAL = re.compile(
    rb"^(F\d{4} |\d{4}-\d\d-\d\d [\d:.]+: F |terminate called|\*\*\* "
    rb"|.*(Check failed|malloc|free\(\)|corrupt|double free))",
    re.MULTILINE,
)
SHOWN = 2000


def told():
    """What the program has told until its end; None if that is in order."""
    text = b""
    while part := os.read(0, 4096):
        text += part
        if text.endswith(b"\0"):
            return None
    return text.decode(errors="surrogateescape")


def report(text):
    """Prints the fatal lines of the log, if there are any."""
    name, log = "", 1
    start = 0
    for line in text.splitlines():
        start, _, name = line.partition(" ")
    if name:
        log = os.open(name, os.O_RDONLY)
    os.lseek(log, int(start), os.SEEK_SET)
    lines = b""
    while part := os.read(log, 1 << 20):
        lines = (lines + part)[-(1 << 20) :]
    found = FATAL.search(lines)
    if found:
        where = f" (in {name})" if name else ""
        print(
            f"{sys.argv[1]}: TensorFlow has crashed. Its last messages{where}:",
            file=sys.stderr,
        )
        shown = lines[found.start() :][:SHOWN].decode(errors="replace")
        print(shown.rstrip(), file=sys.stderr)


if __name__ == "__main__":
    text = told()
    if text is not None:
        report(text)
