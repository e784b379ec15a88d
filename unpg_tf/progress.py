"""How far a wait has come: a bar in a terminal, few lines in a file."""

import sys
import time

from tensorflow import keras

# Seconds until anything is shown, and between lines where there is no terminal.
PATIENCE = 1.0
PAUSE = 30.0


class Progress:
    """Shows on stdout how much of something is done, if it takes a while.

    In a terminal it is Keras' progress bar; in a file or a pipe a line every
    30 seconds. What is done within a second shows nothing.

    Args:
        title: string, what is being done.
        total: integer, how much there is to do; None where each call says it.
        unit: string, what is counted.

    Example:
        >>> progress = Progress("Decoding", 2000, "image")
        >>> for done in range(1, 2001):
        ...     progress(done)
        Decoding
        2000/2000 ━━━━━━━━━━━━━━━━━━━━ 6s 3ms/image
    """

    def __init__(self, title, total=None, unit="image"):
        self._title = title
        self._total = total
        self._unit = unit
        self._start = time.monotonic()
        self._next = self._start + PATIENCE
        self._bar = None
        if sys.stdout is not None and sys.stdout.isatty():
            self._bar = keras.utils.Progbar(total, unit_name=unit)

    def __call__(self, done, total=None):
        """Shows it, if it is time to.

        Args:
            done: integer, how much is done.
            total: integer, how much there is to do; None as before.
        """
        now = time.monotonic()
        if total is not None:
            self._total = total
        if self._title and now >= self._next:
            print(self._title, flush=True)
            self._title, self._next = "", now + PAUSE
        if self._title:
            return
        if self._bar:
            self._bar.target = self._total
            self._bar.update(done)
        elif now >= self._next:
            self._next = now + PAUSE
            print(
                f"  {done} of {self._total} {self._unit}s "
                f"after {now - self._start:.0f} s",
                flush=True,
            )
