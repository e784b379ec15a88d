"""How a program ends that can't go on."""

import contextlib
import os
import sys

from unpg_tf.cli import tensorflow_log

# As shells have it for what Ctrl-C has ended.
INTERRUPTED = 130
# Longer messages are cut: what is in a file may be as long as the file.
_LONGEST = 1000


@contextlib.contextmanager
def told_by(program, *kinds):
    """Ends the program, with 1 and a line instead of a traceback.

    On Ctrl-C too, with 130.

    Args:
        program: string, the name that the line begins with.
        *kinds: further exceptions whose message says all.
    """
    try:
        yield
    except KeyboardInterrupt:
        interrupted(program)
    except (ImportError, OSError, ValueError, *kinds) as error:
        sys.exit(f"{program}: {error}")


def interrupted(program):
    """Ends the process, which Ctrl-C has been meant for.

    Args:
        program: string, the name that the line begins with; None for no line.
    """
    if program is None:
        leave(INTERRUPTED)
    leave(INTERRUPTED, on_a_line(f"{program}: interrupted"))


def shortened(message):
    """A message, or an exit code, with what is too long to read left out."""
    if not isinstance(message, str) or len(message) <= _LONGEST:
        return message
    half = _LONGEST // 2
    return f"{message[: half - 1]}…{message[-half:]}"


def on_a_line(message):
    """A message, after a bar or the ^C that stands in a terminal's line."""
    is_terminal = sys.stderr is not None and sys.stderr.isatty()
    return f"\n{message}" if is_terminal else message


def leave(code, message=None):
    """Ends the process at once, whatever its threads are amid.

    The usual way out waits for threads, of which one that reads images in
    Python never ends, and takes TensorFlow down amid a step.

    Args:
        code: integer, the exit code.
        message: string for stderr, or None.
    """
    # They may be closed, and nobody may be left to read them.
    with contextlib.suppress(AttributeError, OSError):
        sys.stdout.flush()
    with contextlib.suppress(AttributeError, OSError):
        sys.stderr.write("" if message is None else f"{message}\n")
        sys.stderr.flush()
    tensorflow_log.end()
    os._exit(code)
