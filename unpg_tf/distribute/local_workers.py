"""The workers of a cluster as processes of this machine."""

import json
import os
import signal
import socket
import subprocess
import sys
import time

# Seconds that the others have to notice that a worker is gone, and to say so.
_GRACE = 30


def run_local_workers(command, workers):
    """Runs a program as each worker of a cluster on the loopback interface.

    `TF_CONFIG` tells each process which worker it is. Where one fails the
    others, which can't go on without it, are ended. SIGINT (Ctrl-C), SIGTERM
    and SIGHUP are passed on to all, each once: the workers have sessions of
    their own, which a terminal's Ctrl-C doesn't reach.

    Args:
        command: list of strings, the program and its arguments.
        workers: integer, the number of processes.

    Returns:
        Integer, 0 where all workers succeeded, else the exit code of the
        first that didn't; 128 + N for one that signal N has ended, and where
        a worker ends so after signal N was passed on.

    Example:

    >>> run_local_workers([sys.executable, "train.py"], 2)
    0
    """
    processes = [
        subprocess.Popen(
            command,
            env={**os.environ, "TF_CONFIG": config},
            start_new_session=True,
        )
        for config in _configs(workers)
    ]
    passed_on = []

    def pass_on(number, _):
        passed_on.append(number)
        _signal(processes, number)

    handlers = {
        number: signal.signal(number, pass_on)
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    }
    try:
        return _wait(processes, passed_on)
    finally:
        _signal(processes, signal.SIGKILL)
        for number, handler in handlers.items():
            signal.signal(number, handler)


def _configs(workers):
    """The `TF_CONFIG` of each worker, at ports that are free now."""
    sockets = [socket.socket() for _ in range(workers)]
    for each in sockets:
        each.bind(("localhost", 0))
    addresses = [f"localhost:{each.getsockname()[1]}" for each in sockets]
    for each in sockets:
        each.close()
    for index in range(workers):
        task = {"type": "worker", "index": index}
        yield json.dumps({"cluster": {"worker": addresses}, "task": task})


def _wait(processes, passed_on):
    """Waits for all; once one has failed, not for long."""
    failed, deadline = None, float("inf")
    while True:
        codes = [process.poll() for process in processes]
        if failed is None and any(codes):
            # Of several at once it is the one that a signal (-N) has ended:
            # the others can have noticed that, and failed for it.
            failed = codes.index(min(filter(None, codes)))
            deadline = time.monotonic() + _GRACE
            if not passed_on:
                _tell(failed, codes)
        if None not in codes:
            told = [_shell_code(code) for code in codes]
            asked = {128 + number for number in passed_on} & {*told}
            return min(asked, default=0 if failed is None else told[failed])
        if time.monotonic() > deadline:
            _signal(processes, signal.SIGKILL)
        time.sleep(0.05)


def _tell(failed, codes):
    print(
        f"worker {failed} of {len(codes)}: exit code "
        f"{_shell_code(codes[failed])}; waiting {_GRACE} s at most for the "
        "others",
        file=sys.stderr,
        flush=True,
    )


def _signal(processes, number):
    for process in processes:
        if process.poll() is None:
            process.send_signal(number)


def _shell_code(code):
    """-N, for signal N, in the way of shells."""
    return 128 - code if code < 0 else code
