"""Workers wait for each other before TensorFlow does, which waits for ever."""

import contextlib
import socket
import time

import tensorflow as tf

_PAUSE = 0.1
_SECONDS_TO_CONNECT = 5


def wait_for_workers(seconds=600):
    """Returns as soon as all workers that `TF_CONFIG` names have come.

    To be called before the strategy is made, whose server then answers those
    that come through later. TensorFlow waits for the workers too, but without
    an end where one never comes, and meanwhile neither Ctrl-C nor SIGTERM end
    the process.

    Args:
        seconds: number, how long to wait.

    Raises:
        TimeoutError: a worker hasn't come; its address is told.
        OSError: another program has the port that is this worker's.

    Example:

    >>> unpg_tf.distribute.wait_for_workers()
    >>> strategy = unpg_tf.distribute.MultiWorkerMirroredStrategy()
    """
    resolver = tf.distribute.cluster_resolver.TFConfigClusterResolver()
    cluster = resolver.cluster_spec()
    own = resolver.task_type, resolver.task_id
    missing = [
        cluster.task_address(job, index)
        for job in {"chief", "worker"} & set(cluster.jobs)
        for index in cluster.task_indices(job)
        if (job, index) != own
    ]
    if not missing or resolver.task_type is None:
        return  # What's wrong with the latter the strategy says.
    deadline = time.monotonic() + seconds
    with _answering(cluster.task_address(*own), len(missing)):
        while missing := [each for each in missing if not _answers(each)]:
            if time.monotonic() > deadline:
                raise TimeoutError(
                    f"Expected all workers to come within {seconds} seconds. "
                    f"Received: nothing at {', '.join(sorted(missing))}"
                )
            time.sleep(_PAUSE)


@contextlib.contextmanager
def _answering(address, others):
    """Lets the others connect here, until TensorFlow's own server does."""
    port = int(address.rpartition(":")[2])
    try:
        server = _server(port, others)
    except OSError as error:
        raise OSError(
            f"Expected port {port}, this worker's in TF_CONFIG, to be free. "
            f"Received: {error}"
        ) from error
    with server:
        yield


def _server(port, backlog):
    if socket.has_dualstack_ipv6():
        # A container may have it, and no address of it.
        with contextlib.suppress(OSError):
            return socket.create_server(
                ("", port),
                family=socket.AF_INET6,
                backlog=backlog,
                dualstack_ipv6=True,
            )
    return socket.create_server(("", port), backlog=backlog)


def _answers(address):
    host, _, port = address.rpartition(":")
    host = host.strip("[]")
    try:
        with socket.create_connection(
            (host, int(port)), _SECONDS_TO_CONNECT
        ) as connection:
            # A port of this machine that nobody has may be given to this end.
            return connection.getsockname() != connection.getpeername()
    except OSError:
        return False
