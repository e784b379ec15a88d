"""Cost of a step against the number of replicas and workers.

    python benchmarks/scaling.py --replicas=1,2,4,8 --workers=2

A step is that of `fit`: a small network, `CosFace`, `UNPGLoss`, SGD, on one
global batch, whatever the number of replicas (devices of one process) or of
workers (processes of one device each, over the loopback interface). All share
the processors of this machine, so that no speed is gained, and what many cost
more than one device shows in the processors' time: that of all processes, in
multiples of the single device's. Beside it stands what each replica puts into
messages, by the traced graph.

Then the pairs, alone: what each replica spends on all pairs of the batch, as
`UNPGLoss` does, and what it would spend on its own rows of their matrix. The
whiskers are global, so that in the latter case every pass of the search for
the quartiles would have to wait for a message.

Last, what the messages would take on 8 and 64 GPUs: see `scaling_model.py`.
"""

import json
import os
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import scaling_model
import tensorflow as tf
from absl import app
from absl import flags
from collectives import collectives
from tensorflow import keras

from unpg_tf import backbones
from unpg_tf import distribute
from unpg_tf import layers
from unpg_tf import losses
from unpg_tf import models
from unpg_tf import ops

FLAGS = flags.FLAGS
flags.DEFINE_list("replicas", ["1", "2", "4", "8"], "Devices of one process.")
flags.DEFINE_list("workers", ["2"], "Processes of one device each.")
flags.DEFINE_integer("batch_size", 256, "Rows of the global batch.")
flags.DEFINE_integer("dim", 512, "Dimension of the embedding.")
flags.DEFINE_integer("classes", 1000, "Class centres.")
flags.DEFINE_integer("steps", 10, "Steps measured, after two.", lower_bound=1)
flags.DEFINE_integer("pairs_batch", 4096, "Rows whose pairs are measured.")
flags.DEFINE_list("pairs_replicas", ["2", "8", "64"], "Replicas to cut it for.")
flags.DEFINE_string("only", None, "REPLICAS,FOLDER: measure this, in there.")

IMAGE_SIZE = 32
SCALE, WHISKER = 64.0, 1.5


def main(_):
    """Prints the tables, or writes what one process has measured."""
    if FLAGS.only:
        replicas, folder = FLAGS.only.split(",")
        found = json.dumps(_step(int(replicas)))
        Path(folder, str(os.getpid())).write_text(found)
        return
    print(
        "| workers | replicas of each | processors' time | messages | "
        "batch, KiB | gradients, KiB |\n|---|---|---|---|---|---|"
    )
    cases = [(1, int(count)) for count in FLAGS.replicas]
    cases += [(int(count), 1) for count in FLAGS.workers]
    one, messages = None, []
    for workers, replicas in cases:
        found = _in_processes(workers, replicas)
        seconds = sum(each["seconds"] for each in found)
        one = one or seconds
        messages = found[0]["messages"]
        *batch, gradients = [size for _, size in messages] or [0]
        cells = [workers, replicas, f"{seconds / one:.2f}", len(messages)]
        cells += [f"{sum(batch) / 1024:.1f}", f"{gradients / 1024:.1f}"]
        print(f"| {' | '.join(map(str, cells))} |", flush=True)
    print()
    _print_pairs()
    scaling_model.print_table()


def _in_processes(workers, replicas):
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, *sys.argv, f"--only={replicas},{folder}"]
        if code := distribute.run_local_workers(command, workers):
            sys.exit(code)
        return [json.loads(p.read_text()) for p in Path(folder).iterdir()]


def _strategy(replicas):
    if replicas == 1:
        workers = json.loads(os.environ["TF_CONFIG"])["cluster"]["worker"]
        if len(workers) == 1:
            return tf.distribute.get_strategy()
        return distribute.MultiWorkerMirroredStrategy()
    tf.config.set_logical_device_configuration(
        tf.config.list_physical_devices("CPU")[0],
        [tf.config.LogicalDeviceConfiguration()] * replicas,
    )
    devices = [f"CPU:{i}" for i in range(replicas)]
    return tf.distribute.MirroredStrategy(devices)


def _step(replicas):
    """Processor's seconds of a step, and the messages of a replica."""
    # Collectives wait for each other, and hold a thread each meanwhile.
    tf.config.threading.set_inter_op_parallelism_threads(16)
    strategy = _strategy(replicas)
    with strategy.scope():
        model = models.EmbeddingModel(
            backbones.build("small", IMAGE_SIZE, FLAGS.dim),
            layers.CosFace(FLAGS.classes),
        )
        loss = losses.UNPGLoss(SCALE, WHISKER, FLAGS.dim)
        model.compile(keras.optimizers.SGD(0.01), loss)
        model.optimizer.build(model.trainable_variables)
    batches = iter(strategy.experimental_distribute_dataset(_dataset()))
    run = tf.function(lambda batch: strategy.run(model.train_step, (batch,)))
    batch = next(batches)
    messages = collectives(run.get_concrete_function(batch))
    for _ in range(2):
        run(batch)
    start = time.process_time()
    for _ in range(FLAGS.steps):
        run(batch)
    seconds = (time.process_time() - start) / FLAGS.steps
    messages = [(each.kind, each.bytes) for each in messages]
    return {"seconds": seconds, "messages": messages}


def _dataset():
    rng = np.random.default_rng(0)
    shape = [FLAGS.batch_size, IMAGE_SIZE, IMAGE_SIZE, 3]
    images = rng.integers(0, 256, shape).astype(np.uint8)
    labels = rng.integers(0, FLAGS.classes, FLAGS.batch_size).astype(np.int32)
    dataset = tf.data.Dataset.from_tensor_slices((images, labels)).repeat()
    return dataset.batch(FLAGS.batch_size, drop_remainder=True)


def _print_pairs():
    rows = FLAGS.pairs_batch
    units = tf.random.normal([rows, FLAGS.dim], seed=1)
    units, _ = ops.unit_vectors(units)
    labels = tf.range(rows) % FLAGS.classes
    whole = _seconds(_mass_of_all, units, labels)
    print("| replicas | own rows of the pairs / all pairs |\n|---|---|")
    for replicas in map(int, FLAGS.pairs_replicas):
        share = rows // replicas
        part = _seconds(_mass_of_rows, units, labels, share)
        print(f"| {replicas} | {part / whole:.2f} |", flush=True)
    print(f"\nAll pairs of {rows} rows: {whole:.3f} processor's seconds\n")


def _mass_of_all(units, labels):
    pairs, negative = ops.similarities(units), ops.negative_pairs(labels)
    kept = ops.kept_negatives(pairs, negative, WHISKER)
    return ops.log_mass(pairs, kept, SCALE)


def _mass_of_rows(units, labels, rows):
    """The same work on some rows of the matrix of all pairs."""
    pairs = tf.matmul(units[:rows], units, transpose_b=True)
    negative = labels[:rows, tf.newaxis] != labels
    kept = ops.kept_negatives(pairs, negative, WHISKER)
    return ops.log_mass(pairs, kept, SCALE)


def _seconds(mass, units, *arguments):
    """Processor's seconds of a mass of pairs and its gradient."""

    @tf.function
    def run():
        with tf.GradientTape() as tape:
            tape.watch(units)
            value = mass(units, *arguments)
        return tape.gradient(value, units)

    run()
    times = []
    for _ in range(FLAGS.steps):
        start = time.process_time()
        run()
        times.append(time.process_time() - start)
    return np.median(times)


if __name__ == "__main__":
    app.run(main)
