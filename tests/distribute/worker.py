"""A worker of a cluster, as a program: the small training, saved.

Arguments: devices of this worker, head, loss, folder of the results.
"""

import json
import os
import sys
from pathlib import Path

import numpy as np
import tensorflow as tf
from tensorflow.python.distribute import collective_all_reduce_strategy

from tests.distribute import training
from unpg_tf import distribute


def split_cpu(devices):
    """As many devices of this worker as another has GPUs."""
    tf.config.set_logical_device_configuration(
        tf.config.list_physical_devices("CPU")[0],
        [tf.config.LogicalDeviceConfiguration()] * devices,
    )
    # Collectives wait for each other, and hold a thread each meanwhile.
    tf.config.threading.set_inter_op_parallelism_threads(16)
    # TensorFlow takes all GPUs of a worker, but never more than one CPU.
    extended = collective_all_reduce_strategy.CollectiveAllReduceExtended
    extended._initialize_local_devices = lambda self, resolver, worker: (
        tuple(f"{worker}/device:CPU:{i}" for i in range(devices)),
        "CPU",
    )


def main(devices, head, loss, folder):
    split_cpu(int(devices))
    strategy = distribute.MultiWorkerMirroredStrategy()
    workers = len(json.loads(os.environ["TF_CONFIG"])["cluster"]["worker"])
    assert strategy.num_replicas_in_sync == workers * int(devices)
    losses, weights = training.fit(strategy, head, loss)
    index = json.loads(os.environ["TF_CONFIG"])["task"]["index"]
    np.savez(Path(folder) / f"{index}.npz", losses, *weights)


if __name__ == "__main__":
    main(*sys.argv[1:])
