"""A worker of a cluster, as a program: the small training, saved.

Arguments: devices of this worker, head, loss, folder of the results.
"""

import json
import os
import sys
from pathlib import Path

import numpy as np
import tensorflow as tf

from tests.distribute import training
from unpg_tf import distribute


def main(devices, head, loss, folder):
    tf.config.set_logical_device_configuration(
        tf.config.list_physical_devices("CPU")[0],
        [tf.config.LogicalDeviceConfiguration()] * int(devices),
    )
    strategy = distribute.MultiWorkerMirroredStrategy()
    losses, weights = training.fit(strategy, head, loss)
    index = json.loads(os.environ["TF_CONFIG"])["task"]["index"]
    np.savez(Path(folder) / f"{index}.npz", losses, *weights)


if __name__ == "__main__":
    main(*sys.argv[1:])
