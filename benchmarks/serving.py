r"""What the graph around the backbone costs, and what other runtimes take.

    python benchmarks/serving.py --backbone=iresnet18 --image_size=112

times, at each batch size, in turns in which all take part,

    backbone         the backbone alone, saved and loaded just as the export
                     is, on decoded float pixels
    encoded_images   the exported signature, on JPEG files of that size
    serving_default  the exported signature, on uint8 pixels
    openvino, onnxruntime, litert   the same, where runtimes.py finds them

and prints the backbone's images a second, and the others' times as multiples
of the backbone's: of the medians, of the minima, and of the medians of the time
that the processors worked for it, which other work on the machine blurs least.
Weights are random, which no time depends on.
"""

import os
import sys
import tempfile
import time
from typing import NamedTuple

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np  # noqa: E402
import tensorflow as tf  # noqa: E402
from absl import app  # noqa: E402
from absl import flags  # noqa: E402
from absl import logging  # noqa: E402
from runtimes import RUNTIMES  # noqa: E402

from unpg_tf import backbones  # noqa: E402
from unpg_tf import data  # noqa: E402
from unpg_tf import serving  # noqa: E402

FLAGS = flags.FLAGS
flags.DEFINE_string("backbone", "iresnet18", "As in unpg train.")
flags.DEFINE_integer("image_size", 112, "Height and width, in pixels.", 8)
flags.DEFINE_integer("embedding_dim", 512, "Dimension of embeddings.", 1)
flags.DEFINE_list("batch_sizes", ["1", "8", "64"], "Images in a call.")
flags.DEFINE_list("runtimes", ["openvino", "onnxruntime"], "What else to time.")
flags.DEFINE_integer("turns", 7, "Calls of each.", lower_bound=1)


class Batch(NamedTuple):
    """The same images in three forms.

    Attributes:
        pixels: [n, h, w, 3] uint8 tensor.
        floats: [n, h, w, 3] float32 tensor.
        files: [n] string tensor, JPEG.
    """

    pixels: tf.Tensor
    floats: tf.Tensor
    files: tf.Tensor


def main(argv):
    """Prints the table; exits with 1 and a message on an error."""
    if len(argv) > 1:
        raise app.UsageError(f"Expected flags only. Received: {argv[1:]}")
    # What TensorFlow says about saving would stand between the rows.
    logging.set_verbosity(logging.WARNING)
    try:
        _measure()
    except ValueError as error:
        sys.exit(f"serving.py: {error}")


def _measure():
    backbone = backbones.build(
        FLAGS.backbone, FLAGS.image_size, FLAGS.embedding_dim
    )
    with tempfile.TemporaryDirectory() as directory:
        serving.save(backbone, f"{directory}/1", threshold=0.0)
        _save_bare(backbone, f"{directory}/bare")
        forms = _forms(f"{directory}/1", f"{directory}/bare")
        print(
            f"{FLAGS.backbone}, {FLAGS.image_size} pixels, "
            f"{os.cpu_count()} cores\n\n"
            "| batch | form | images a second | time / backbone | "
            "least / least | processors' time |\n|---|---|---|---|---|---|"
        )
        for size in map(int, FLAGS.batch_sizes):
            _print_rows(size, _times(forms, _batch(size)))


def _save_bare(backbone, directory):
    """The backbone with nothing around it, for batches of any size."""
    images = tf.TensorSpec([None, *backbone.input_shape[1:]], tf.float32)
    module = tf.Module()
    module.embed = tf.function(
        lambda images: {"embedding": backbone(images, training=False)},
        input_signature=[images],
    )
    graph = module.embed.get_concrete_function().graph
    module.weights = list(graph.variables)
    tf.saved_model.save(module, directory, module.embed)


def _forms(directory, bare_directory):
    """Functions of a `Batch`, each of which waits for its embeddings."""
    bare = _signature(bare_directory, "serving_default")
    files = _signature(directory, "encoded_images")
    pixels = _signature(directory, "serving_default")
    forms = {
        "backbone": lambda batch: bare(images=batch.floats),
        "encoded_images": lambda batch: files(image_bytes=batch.files),
        "serving_default": lambda batch: pixels(images=batch.pixels),
    }
    for name in FLAGS.runtimes:
        try:
            embed = RUNTIMES[name](directory)
        except ImportError as error:
            print(f"{name}: {error}", file=sys.stderr)
            continue
        forms[name] = lambda batch, embed=embed: embed(batch.pixels.numpy())
    return forms


def _signature(directory, name):
    loaded = tf.saved_model.load(directory)
    # Through the loaded object, which owns the variables.
    return lambda **inputs: loaded.signatures[name](**inputs)[
        "embedding"
    ].numpy()


def _batch(size):
    pixels = data.draw(np.arange(size), np.zeros(size, int), FLAGS.image_size)
    return Batch(
        pixels=tf.constant(pixels),
        floats=tf.constant(pixels, tf.float32),
        files=tf.stack([tf.io.encode_jpeg(x, quality=95) for x in pixels]),
    )


def _times(forms, batch):
    """Seconds, by the clock and of the processors, of every turn of each form.

    The first turn, which prepares, doesn't count. Each turn has an order of its
    own: threads of one runtime may still wait busily while the next is timed.
    """
    times = {name: [] for name in forms}
    shuffled = np.random.default_rng(0).permutation
    for turn in range(FLAGS.turns + 1):
        for name in shuffled(list(forms)):
            start, worked = time.perf_counter(), time.process_time()
            forms[name](batch)
            seconds = time.perf_counter() - start, time.process_time() - worked
            if turn:
                times[name].append(seconds)
    return times


def _print_rows(size, times):
    units = _summary(times["backbone"])
    for name, seconds in times.items():
        summary = _summary(seconds)
        cells = [str(size), name, f"{size / summary[0]:.1f}"]
        cells += [f"{a / b:.2f}" for a, b in zip(summary, units, strict=True)]
        print(f"| {' | '.join(cells)} |", flush=True)


def _summary(seconds):
    clock, worked = zip(*seconds, strict=True)
    return np.median(clock), min(clock), np.median(worked)


if __name__ == "__main__":
    app.run(main)
