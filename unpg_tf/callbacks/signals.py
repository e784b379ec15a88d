"""SIGTERM and SIGINT, on one worker or several."""

import itertools
import signal
import threading

import tensorflow as tf

from unpg_tf import distribute
from unpg_tf import ops

# Calls of `received` between two questions to the other workers.
_CALLS = 10
# Of different ones on several workers, the first counts.
_SIGNALS = (signal.SIGTERM, signal.SIGINT)


class Signals:
    """Notes SIGTERM and SIGINT within a `with` block.

    The process goes on after the first signal, and `received` tells which it
    was. The next one has its usual effect.

    With several workers a signal to one of them counts for all. They compare
    at every tenth call of `received`, so that all of them stop at the same
    step; each call has to be made by all.

    Args:
        strategy: `tf.distribute.Strategy`.

    Raises:
        ValueError: On entering the block outside of the main thread, in which
            alone Python can handle signals.
    """

    def __init__(self, strategy):
        self._strategy = strategy
        self._handlers = {}
        self._noted = 0
        self._calls = itertools.count(1)
        self._is_shared = distribute.num_workers(strategy) > 1
        self._sum = tf.function(
            lambda came: strategy.run(_sum_of_all, [came]), autograph=False
        )

    def __enter__(self):
        ops.expect(
            threading.current_thread() is threading.main_thread(),
            "handle_signals=False outside of the main thread",
            thread=threading.current_thread().name,
        )
        self._handlers = {
            number: signal.signal(number, self._note) for number in _SIGNALS
        }
        return self

    def __exit__(self, *error):
        handlers, self._handlers = self._handlers, {}
        for number, handler in handlers.items():
            signal.signal(number, handler)

    def _note(self, number, _):
        self._noted = number
        self.__exit__()

    def received(self):
        """The number of a signal that has come, to any worker; 0 for none."""
        if not self._is_shared:
            return int(self._noted)
        if next(self._calls) % _CALLS:
            return 0
        told = self._sum(tf.constant([self._noted == n for n in _SIGNALS]))
        told = self._strategy.experimental_local_results(told)[0].numpy()
        return next(
            (int(n) for n, count in zip(_SIGNALS, told, strict=True) if count),
            0,
        )


def _sum_of_all(came):
    # It has to be on a device, of which an argument knows nothing.
    return distribute.all_sum(tf.cast(came, tf.float32))
