"""Time and memory of a step against the number of classes.

    python benchmarks/classes.py --classes=10000,100000,1000000

A step is a head and `UNPGLoss` on given embeddings, forward and backward, and
the update of the class centres by SGD with momentum: the part of training that
grows with the classes. Compared are the full head and one with `sample_rate`,
whose optimizer is `LazySGD`. Each runs in a process of its own, so that the
peak of its memory can be told; times are medians of steps, in multiples of the
full head's at the smallest number of classes.
"""

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
flags.DEFINE_integer("batch_size", 128, "Rows.", lower_bound=2)
flags.DEFINE_integer("dim", 512, "Dimension of the embedding.", lower_bound=1)
flags.DEFINE_integer("steps", 5, "Steps of each, after two.", lower_bound=1)
flags.DEFINE_bool("jit_compile", False, "Whether XLA compiles the step.")
flags.DEFINE_string("only", None, "CLASSES,RATE: measure this one, print JSON.")


def main(_):
    """Prints the table, or what one process of it has measured."""
    if FLAGS.only:
        print(json.dumps(_measured(*FLAGS.only.split(","))))
        return
    unit = None
    print("| classes | sample rate | time | memory | bytes a class |")
    print("|---|---|---|---|---|", flush=True)
    for classes in FLAGS.classes:
        for rate in FLAGS.rates:
            found = _in_a_process(classes, rate)
            unit = unit or found["seconds"]
            cells = (
                f"{int(classes):,}",
                rate,
                f"{found['seconds'] / unit:.2f}",
                f"{found['bytes'] / 2**30:.2f} GiB",
                f"{found['bytes'] / int(classes):,.0f}",
            )
            print(f"| {' | '.join(cells)} |", flush=True)


def _in_a_process(classes, rate):
    arguments = [sys.executable, *sys.argv, f"--only={classes},{rate}"]
    found = subprocess.run(arguments, stdout=subprocess.PIPE, check=True)
    return json.loads(found.stdout)


def _measured(classes, rate):
    """Seconds of a step, and the bytes that training has added."""
    before = _peak_bytes()
    step = _step(int(classes), float(rate))
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


def _step(classes, rate):
    rng = np.random.default_rng(0)
    shape = [FLAGS.batch_size, FLAGS.dim]
    embeddings = tf.constant(rng.standard_normal(shape, np.float32))
    labels = tf.constant(rng.integers(0, classes, shape[0]).astype(np.int32))
    head = layers.CosFace(classes, sample_rate=rate)
    head.build((None, FLAGS.dim))
    loss = losses.UNPGLoss(embedding_dim=FLAGS.dim)
    sgd = optimizers.LazySGD if rate < 1 else keras.optimizers.SGD
    optimizer = sgd(0.1, momentum=0.9, weight_decay=5e-4)
    variables = head.trainable_weights
    optimizer.build(variables)

    @tf.function(jit_compile=FLAGS.jit_compile)
    def trained(embeddings, labels):
        with tf.GradientTape() as tape:
            if rate < 1:
                cosines, labels = head.sampled(embeddings, labels)
            else:
                cosines = head(embeddings, labels, training=True)
            y_pred = tf.concat([cosines, embeddings], axis=1)
            value = tf.reduce_mean(loss(labels, y_pred))
        slopes = tape.gradient(value, variables)
        optimizer.apply_gradients(zip(slopes, variables, strict=True))
        return value

    return lambda: trained(embeddings, labels).numpy()


if __name__ == "__main__":
    app.run(main)
