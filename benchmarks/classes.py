"""Time and memory of a step against the number of classes.

    python benchmarks/classes.py --classes=10000,100000,1000000

A step is a head and `UNPGLoss` on given embeddings, forward and backward, and
the update of the class centres by SGD with momentum: the part of training that
grows with the classes. Compared are the full head, one with `sample_rate`,
whose optimizer is `LazySGD`, and a sharded one, whose replicas are logical
devices of the CPU: they share its cores, so that their time tells what the
sharding costs, and their memory is measured together. Each runs in a process of
its own, so that the peak of its memory can be told; times are medians of steps,
in multiples of the full head's at the smallest number of classes.
"""

import itertools
import json
import resource
import subprocess
import sys
import time

import numpy as np
import tensorflow as tf
from absl import app
from absl import flags
from tensorflow import keras

from unpg_tf import layers
from unpg_tf import losses
from unpg_tf import optimizers

FLAGS = flags.FLAGS
flags.DEFINE_list("classes", ["10000", "100000"], "Numbers of classes.")
flags.DEFINE_list("rates", ["1", "0.1"], "Values of sample_rate.")
flags.DEFINE_list("shards", ["2", "4"], "Numbers of replicas with shards.")
flags.DEFINE_integer("batch_size", 128, "Rows in all.", lower_bound=2)
flags.DEFINE_integer("dim", 512, "Dimension of the embedding.", lower_bound=1)
flags.DEFINE_integer("steps", 5, "Steps of each, after two.", lower_bound=1)
flags.DEFINE_bool("jit_compile", False, "Whether XLA compiles the step.")
flags.DEFINE_string("only", None, "CLASSES,RATE,SHARDS: print its JSON.")


def main(_):
    """Prints the table, or what one process of it has measured."""
    if FLAGS.only:
        print(json.dumps(_measured(*FLAGS.only.split(","))))
        return
    unit = None
    heads = [(rate, "1") for rate in FLAGS.rates]
    heads += [("1", shards) for shards in FLAGS.shards]
    print("| classes | sample rate | shards | time | memory | ", end="")
    print("bytes a class and replica |\n|---|---|---|---|---|---|", flush=True)
    for classes, head in itertools.product(FLAGS.classes, heads):
        found = _in_a_process(classes, *head)
        unit = unit or found["seconds"]
        cells = (
            f"{int(classes):,}",
            *head,
            f"{found['seconds'] / unit:.2f}",
            f"{found['bytes'] / 2**30:.2f} GiB",
            f"{found['bytes'] / int(classes) / int(head[1]):,.0f}",
        )
        print(f"| {' | '.join(cells)} |", flush=True)


def _in_a_process(*case):
    arguments = [sys.executable, *sys.argv, f"--only={','.join(case)}"]
    found = subprocess.run(arguments, stdout=subprocess.PIPE, check=True)
    return json.loads(found.stdout)


def _measured(classes, rate, shards):
    """Seconds of a step, and the bytes that training has added."""
    before = _peak_bytes()
    step = _step(int(classes), float(rate), int(shards))
    for _ in range(2):
        step()
    times = []
    for _ in range(FLAGS.steps):
        start = time.perf_counter()
        step()
        times.append(time.perf_counter() - start)
    return {"seconds": np.median(times), "bytes": _peak_bytes() - before}


def _peak_bytes():
    return 1024 * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def _step(classes, rate, shards):
    strategy = _strategy(shards)
    with strategy.scope():
        head = layers.CosFace(classes, sample_rate=rate, sharded=shards > 1)
        head.build((None, FLAGS.dim))
        sgd = optimizers.LazySGD if rate < 1 else keras.optimizers.SGD
        optimizer = sgd(0.1, momentum=0.9, weight_decay=5e-4)
        variables = head.trainable_weights
        optimizers.keep_shards(optimizer, variables)
    loss = losses.UNPGLoss(embedding_dim=FLAGS.dim)

    def trained(embeddings, labels):
        with tf.GradientTape() as tape:
            if shards > 1:
                cosines, labels = head.condensed(embeddings, labels, loss.scale)
            elif rate < 1:
                cosines, labels = head.sampled(embeddings, labels)
            else:
                cosines = head(embeddings, labels, training=True)
            y_pred = tf.concat([cosines, embeddings], axis=1)
            value = tf.reduce_mean(loss(labels, y_pred)) / shards
        slopes = tape.gradient(value, variables)
        optimizer.apply_gradients(zip(slopes, variables, strict=True))
        return value

    @tf.function(jit_compile=FLAGS.jit_compile)
    def step(*rows):
        values = strategy.run(trained, rows)
        return strategy.reduce("sum", values, axis=None)

    rows = next(iter(strategy.experimental_distribute_dataset(_batch(classes))))
    return lambda: step(*rows).numpy()


def _strategy(replicas):
    if replicas == 1:
        return tf.distribute.get_strategy()
    tf.config.set_logical_device_configuration(
        tf.config.list_physical_devices("CPU")[0],
        [tf.config.LogicalDeviceConfiguration()] * replicas,
    )
    devices = [f"CPU:{number}" for number in range(replicas)]
    return tf.distribute.MirroredStrategy(devices)


def _batch(classes):
    rng = np.random.default_rng(0)
    shape = [FLAGS.batch_size, FLAGS.dim]
    embeddings = rng.standard_normal(shape, np.float32)
    labels = rng.integers(0, classes, shape[0]).astype(np.int32)
    rows = tf.data.Dataset.from_tensor_slices((embeddings, labels))
    return rows.batch(shape[0], drop_remainder=True)


if __name__ == "__main__":
    app.run(main)
