"""The machine, or machines, that unpg train trains on."""

import contextlib
import faulthandler
import os
import signal
import sys

import tensorflow as tf
from tensorflow import keras

from unpg_tf import compat
from unpg_tf import distribute
from unpg_tf.cli import tensorflow_log
from unpg_tf.cli.train.flags import FLAGS
from unpg_tf.progress import Progress


def is_launcher():
    """Whether to start --local_workers, none of which this process is."""
    if not FLAGS.local_workers:
        return False
    cluster = distribute.read_cluster().addresses
    here = [a for a in cluster.get("worker", []) if a.startswith("localhost:")]
    if len(here) == FLAGS.local_workers:
        return False
    if FLAGS.strategy != "multi_worker" or cluster:
        raise ValueError(
            "Expected --local_workers with --strategy=multi_worker, and no "
            f"TF_CONFIG. Received: --strategy={FLAGS.strategy}"
        )
    return True


def run_local_workers():
    """Runs this program as each of --local_workers; returns the exit code."""
    command = [sys.executable, "-m", "unpg_tf", *sys.argv[1:]]
    # They keep logs of their own.
    tensorflow_log.restore()
    return distribute.run_local_workers(command, FLAGS.local_workers)


def set_up():
    """Devices, precision, seeds and determinism; returns the strategy."""
    _check_cluster()
    if FLAGS.devices is not None:
        _split_cpu()
    if FLAGS.strategy == "multi_worker" or FLAGS.devices is not None:
        # Collectives wait for each other, and hold a thread each meanwhile.
        threads = max(16, os.cpu_count())
        # Too late within a program in which TensorFlow runs already.
        with contextlib.suppress(RuntimeError):
            tf.config.threading.set_inter_op_parallelism_threads(threads)
    strategy = _strategy()
    if FLAGS.batch_size % strategy.num_replicas_in_sync:
        raise ValueError(
            "Expected --batch_size to be a multiple of the "
            f"{strategy.num_replicas_in_sync} replicas. "
            f"Received: {FLAGS.batch_size}"
        )
    keras.utils.set_random_seed(FLAGS.seed)
    if FLAGS.deterministic:
        tf.config.experimental.enable_op_determinism()
    if not compat.IS_KERAS_3:
        # Dropout whose state is a variable, which checkpoints hold.
        keras.backend.experimental.enable_tf_random_generator()
    if FLAGS.mixed_precision != "none":
        policy = f"mixed_{FLAGS.mixed_precision}"
        keras.mixed_precision.set_global_policy(policy)
    return strategy


def _split_cpu():
    if FLAGS.strategy == "multi_worker":
        raise ValueError(
            "Expected --devices without --strategy=multi_worker, where a "
            f"worker has one CPU device. Received: --devices={FLAGS.devices}"
        )
    device = tf.config.LogicalDeviceConfiguration()
    tf.config.set_logical_device_configuration(
        tf.config.list_physical_devices("CPU")[0], [device] * FLAGS.devices
    )


def _strategy():
    if FLAGS.strategy == "multi_worker":
        distribute.wait_for_workers(FLAGS.worker_timeout)
        # For one that is lost just now TensorFlow waits for ever, and lets no
        # Python run meanwhile.
        faulthandler.dump_traceback_later(FLAGS.worker_timeout, exit=True)
        strategy = distribute.MultiWorkerMirroredStrategy()
        faulthandler.cancel_dump_traceback_later()
        # TensorFlow has taken the signal, and would pass over it.
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        return strategy
    if FLAGS.strategy == "none":
        return tf.distribute.get_strategy()
    gpus = tf.config.list_logical_devices("GPU")
    devices = gpus or tf.config.list_logical_devices("CPU")
    if FLAGS.jit_compile and not gpus:
        raise ValueError(
            "Expected --nojit_compile with --strategy=mirrored on CPUs, where "
            "TensorFlow can't compile for replicas. Received: --jit_compile"
        )
    return tf.distribute.MirroredStrategy([device.name for device in devices])


def _check_cluster():
    """Refuses what can't train in step."""
    if FLAGS.strategy != "multi_worker":
        return
    cluster, kind, _ = distribute.read_cluster()
    if others := {*cluster, kind} - {"chief", "worker"}:
        raise ValueError(
            "Expected a TF_CONFIG of workers, all of which train in step: "
            "UNPG's negatives are those of one global batch, which parameter "
            f"servers never see. Received: {', '.join(sorted(others))}"
        )


def workers():
    """The number of processes that train together."""
    if FLAGS.strategy != "multi_worker":
        return 1
    return sum(map(len, distribute.read_cluster().addresses.values())) or 1


def is_chief():
    """Whether this process is the one that writes: not a second worker."""
    if FLAGS.strategy != "multi_worker":
        return True
    cluster, kind, index = distribute.read_cluster()
    return kind == "chief" or ("chief" not in cluster and index == 0)


def worker_name():
    """This process's name among the workers, such as "worker-1"."""
    _, kind, index = distribute.read_cluster()
    return f"{kind}-{index}"


def say(line):
    """Prints a line, if no other worker does."""
    if is_chief():
        print(line, flush=True)


def progress(title, total=None, unit="image"):
    """What shows how far a wait is, if no other worker does; else None."""
    return Progress(title, total, unit) if is_chief() else None
