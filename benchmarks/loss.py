"""Cost of the losses, beside the matrix products they can't do without.

    python benchmarks/loss.py --sizes=512x20000x512,4096x4000x256

Each size is B x C x D: rows of the batch, classes, dimension. A step is a head
and its loss, forward and backward, to the gradients of embeddings and class
centres. Compared are

    products      the class cosines and their two gradients, and the pairs'
                  similarities and their gradient: bare matrix products
    margin, unpg  `CosFace` under `MarginLoss` and `UNPGLoss`
    materialised  UNPG as its reference has it: every row of logits ends in
                  all B (B - 1) / 2 pairs. Skipped where one such matrix would
                  pass --memory_limit.

Times are medians over turns in which all take part, one step each, so that
other work on the machine meets them alike; they are printed in multiples of
the products' (the faster of graph and XLA), once by medians and once by
minima, which a busy machine blurs less.
"""

import itertools
import time

import numpy as np
import tensorflow as tf
from absl import app
from absl import flags

from unpg_tf import layers
from unpg_tf import losses

FLAGS = flags.FLAGS
flags.DEFINE_list("sizes", ["512x20000x512", "4096x4000x256"], "BxCxD, each.")
flags.DEFINE_list("modes", ["graph", "xla"], "How it is compiled.")
flags.DEFINE_integer("turns", 7, "Steps of each.", lower_bound=1)
flags.DEFINE_float("memory_limit", 4.0, "GB that one matrix may have.")

FORMS = ("products", "margin", "unpg", "materialised")
SCALE, WHISKER = 64.0, 1.5


def main(_):
    """Prints one table for each size."""
    for size in FLAGS.sizes:
        print(_table(size), flush=True)


def products(embeddings, centers, labels):
    """The matrix products alone: the outputs stand for the gradients."""
    del labels
    cosines = tf.matmul(embeddings, centers, transpose_b=True)
    pairs = tf.matmul(embeddings, embeddings, transpose_b=True)
    to_embeddings = tf.matmul(cosines, centers) + tf.matmul(pairs, embeddings)
    return to_embeddings, tf.matmul(cosines, embeddings, transpose_a=True)


def materialised(embeddings, cosines, labels):
    """The [B] losses of the reference: B x (C + pairs) logits."""
    units = tf.math.l2_normalize(embeddings, axis=1)
    similarities = tf.matmul(units, units, transpose_b=True)
    above = tf.linalg.band_part(tf.ones_like(similarities), 0, -1) > 0
    differ = labels[:, tf.newaxis] != labels[tf.newaxis, :]
    pairs = tf.boolean_mask(similarities, above & differ)
    count = tf.size(pairs)
    ordered = tf.sort(tf.stop_gradient(pairs))
    q1, q3 = ordered[count // 4], ordered[3 * count // 4]
    reach = WHISKER * (q3 - q1)
    pairs = pairs[(pairs >= q1 - reach) & (pairs <= q3 + reach)]
    rows = tf.shape(cosines)[0]
    pairs = tf.tile(pairs[tf.newaxis], [rows, 1])
    return tf.nn.sparse_softmax_cross_entropy_with_logits(
        labels, SCALE * tf.concat([cosines, pairs], axis=1)
    )


def _loss(form, dim):
    if form == "materialised":
        return lambda labels, y_pred: materialised(
            y_pred[:, -dim:], y_pred[:, :-dim], labels
        )
    if form == "margin":
        return losses.MarginLoss(SCALE, embedding_dim=dim)
    return losses.UNPGLoss(SCALE, WHISKER, embedding_dim=dim)


def _step(size, form, mode):
    """A function without arguments, that runs one step to its end."""
    rows, classes, dim = map(int, size.split("x"))
    rng = np.random.default_rng(0)
    centers = rng.standard_normal([classes, dim], np.float32)
    labels = rng.integers(0, classes, rows).astype(np.int32)
    embeddings = rng.standard_normal([rows, dim], np.float32)
    embeddings = tf.constant(embeddings + 0.5 * centers[labels])
    labels = tf.constant(labels)
    head = layers.CosFace(classes, margin=0.4)
    head.build((None, dim))
    head.centers.assign(centers)
    variable = head.trainable_weights[0]
    loss = _loss(form, dim)
    del centers

    def trained(embeddings, labels):
        with tf.GradientTape() as tape:
            tape.watch(embeddings)
            cosines = head(embeddings, labels, training=True)
            y_pred = tf.concat([cosines, embeddings], axis=1)
            value = tf.reduce_mean(loss(labels, y_pred))
        slopes = tape.gradient(value, [embeddings, variable])
        return value, *slopes

    def bare(embeddings, labels):
        return products(embeddings, tf.convert_to_tensor(variable), labels)

    step = tf.function(
        bare if form == "products" else trained, jit_compile=mode == "xla"
    )
    return lambda: tf.nest.map_structure(
        lambda x: x.numpy(), step(embeddings, labels)
    )


def _fits(size, form, mode):
    rows, classes, _ = map(int, size.split("x"))
    if form != "materialised":
        return True
    # Its lists of pairs have no static length, which XLA asks for.
    width = classes + rows * (rows - 1) / 2
    return mode == "graph" and 4 * rows * width < 1e9 * FLAGS.memory_limit


def _table(size):
    kinds = [
        kind
        for kind in itertools.product(FORMS, FLAGS.modes)
        if _fits(size, *kind)
    ]
    times = _times({kind: _step(size, *kind) for kind in kinds})
    units = [
        min(reduce(times["products", mode]) for mode in FLAGS.modes)
        for reduce in (np.median, min)
    ]
    lines = [
        f"{size}: products {units[0]:.3f} s, at least {units[1]:.3f} s",
        "",
        "| form | mode | time / products | least / least |",
        "|---|---|---|---|",
    ]
    for kind in kinds:
        ratios = np.median(times[kind]) / units[0], min(times[kind]) / units[1]
        cells = [*kind, *map("{:.2f}".format, ratios)]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def _times(steps):
    """Seconds of every turn of each step; the first, which compiles, apart."""
    for step in steps.values():
        step()
    times = {kind: [] for kind in steps}
    for _ in range(FLAGS.turns):
        for kind, step in steps.items():
            start = time.perf_counter()
            step()
            times[kind].append(time.perf_counter() - start)
    return times


if __name__ == "__main__":
    app.run(main)
