"""Several processes that do the same to many things, in their order."""

import collections
import contextlib
import multiprocessing
import os
import signal
from multiprocessing import connection
from typing import NamedTuple

# TensorFlow's own threads would fight for the cores.
_ENVIRONMENT = {
    "TF_NUM_INTRAOP_THREADS": "1",
    "TF_NUM_INTEROP_THREADS": "1",
    "OMP_NUM_THREADS": "1",
    "TF_CPP_MIN_LOG_LEVEL": "3",
}
# For each worker, how many results may wait for the one that is next.
_AHEAD = 32


def in_order(make, arguments, items, processes):
    """Does something to each of many things, in several processes.

    Args:
        make: function, importable by its name, of `arguments` to a function
            of an item to a result. Each process calls it once.
        arguments: tuple, which can be pickled.
        items: list.
        processes: integer; with 1 it is done in this process.

    Yields:
        Results, in the order of the items; an `Ended` for an item whose
        process has ended amid it, as where the system had no memory left.

    Raises:
        ValueError: `make` failed; the message is the error's.
    """
    if processes == 1 or len(items) < 2:
        yield from map(make(*arguments), items)
        return
    with _Workers(make, arguments, min(processes, len(items))) as workers:
        yield from workers.results(items)


class Ended(NamedTuple):
    """In the place of a result: its process has ended.

    Attributes:
        how: string, such as "that ended by SIGKILL".
    """

    how: str


class _Workers:
    def __init__(self, make, arguments, count):
        self._context = multiprocessing.get_context("spawn")
        self._task = make, arguments
        self._count = count
        self._running = {}

    def __enter__(self):
        for _ in range(self._count):
            self._start()
        return self

    def __exit__(self, *_):
        for process in self._running.values():
            process.terminate()
        for pipe, process in self._running.items():
            process.join()
            pipe.close()

    def _start(self):
        ours, theirs = self._context.Pipe()
        process = self._context.Process(
            target=_work, args=(theirs, *self._task), daemon=True
        )
        with _environment():
            process.start()
        theirs.close()
        self._running[ours] = process

    def results(self, items):
        """Yields a result for each item."""
        waiting, tasks, ready = enumerate(items), {}, {}
        following, last = 0, len(items)
        idle = collections.deque()
        starting = set(self._running)
        while following < last:
            while idle and len(ready) + len(tasks) < _AHEAD * self._count:
                number, item = next(waiting, (None, None))
                if number is None:
                    break
                pipe = idle.popleft()
                tasks[pipe] = number
                with contextlib.suppress(BrokenPipeError):
                    pipe.send(item)
            for pipe in connection.wait([*tasks, *starting]):
                result = self._received(pipe)
                if pipe in starting:
                    starting.remove(pipe)
                    if result is not None:
                        raise ValueError(_told(result))
                    idle.append(pipe)
                    continue
                ready[tasks.pop(pipe)] = result
                if isinstance(result, Ended):
                    self._running.pop(pipe).join()
                    pipe.close()
                    self._start()
                    starting.add(next(reversed(self._running)))
                else:
                    idle.append(pipe)
            while following in ready:
                yield ready.pop(following)
                following += 1

    def _received(self, pipe):
        try:
            return pipe.recv()
        except (EOFError, OSError):
            process = self._running[pipe]
            process.join()
            return Ended(_how(process.exitcode))


def _told(result):
    if isinstance(result, Ended):
        return (
            f"Expected a process that starts. Received: one that {result.how}"
        )
    return result


def _how(code):
    if code < 0:
        with contextlib.suppress(ValueError):
            return f"that ended by {signal.Signals(-code).name}"
    return f"that ended with code {code}"


def _work(pipe, make, arguments):
    """The life of a worker; it ends with the process that has started it."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    _hide_gpus()
    try:
        do = make(*arguments)
    except Exception as error:
        pipe.send(str(error) or type(error).__name__)
        return
    with contextlib.suppress(EOFError, BrokenPipeError, ConnectionResetError):
        pipe.send(None)
        while True:
            pipe.send(do(pipe.recv()))


def _hide_gpus():
    """Several processes would each take all of a GPU's memory."""
    import tensorflow as tf

    with contextlib.suppress(RuntimeError):
        tf.config.set_visible_devices([], "GPU")


@contextlib.contextmanager
def _environment():
    """Sets the variables of a process that is about to start."""
    before = {name: os.environ.get(name) for name in _ENVIRONMENT}
    os.environ.update(_ENVIRONMENT)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value
