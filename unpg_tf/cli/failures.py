"""How a program ends that can't go on."""

import contextlib
import sys

# As shells have it for what Ctrl-C has ended.
INTERRUPTED = 130


@contextlib.contextmanager
def told_by(program, *kinds):
    """Ends the program, with 1 and a line instead of a traceback.

    Args:
        program: string, the name that the line begins with.
        *kinds: further exceptions whose message says all.
    """
    try:
        yield
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED)
    except (ImportError, OSError, ValueError, *kinds) as error:
        sys.exit(f"{program}: {error}")
