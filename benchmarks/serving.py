r"""What the graph around the backbone costs, and what other runtimes take.

    python benchmarks/serving.py --backbone=iresnet18 --image_size=112

times, at each batch size, in turns in which all take part,

    backbone         the backbone alone, on decoded float pixels
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

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np  # noqa: E402
import tensorflow as tf  # noqa: E402
from absl import app  # noqa: E402
from absl import flags  # noqa: E402
from runtimes import RUNTIMES  # noqa: E402

from unpg_tf import backbones  # noqa: E402
from unpg_tf import data  # noqa: E402
from unpg_tf import export  # noqa: E402

FLAGS = flags.FLAGS
flags.DEFINE_string("backbone", "iresnet18", "As in train.py.")
flags.DEFINE_integer("image_size", 112, "Height and width, in pixels.", 8)
flags.DEFINE_integer("embedding_dim", 512, "Dimension of embeddings.", 1)
flags.DEFINE_list("batch_sizes", ["1", "8", "64"], "Images in a call.")
flags.DEFINE_list("runtimes", ["openvino", "onnxruntime"], "What else to time.")
flags.DEFINE_integer("turns", 7, "Calls of each.", lower_bound=1)


def main(argv):
    """Prints the table; exits with 1 and a message on an error."""
    if len(argv) > 1:
        raise app.UsageError(f"Expected flags only. Received: {argv[1:]}")
    try:
        _measure()
    except ValueError as error:
        sys.exit(f"serving.py: {error}")


def _measure():
    backbone = backbones.build(
        FLAGS.backbone, FLAGS.image_size, FLAGS.embedding_dim
    )
    with tempfile.TemporaryDirectory() as directory:
        directory = f"{directory}/1"
        export.save(backbone, directory, threshold=0.0)
        forms = _forms(backbone, directory)
        print(
            f"{FLAGS.backbone}, {FLAGS.image_size} pixels, "
            f"{os.cpu_count()} cores\n\n"
            "| batch | form | images a second | time / backbone | "
            "least / least | processors' time |\n|---|---|---|---|---|---|"
        )
        for size in map(int, FLAGS.batch_sizes):
            _print_rows(size, _times(forms, size))


def _forms(backbone, directory):
    """Functions of [n, h, w, 3] uint8 pixels and [n] JPEG files."""
    bare = tf.function(lambda images: backbone(images, training=False))
    loaded = tf.saved_model.load(directory)
    forms = {
        "backbone": lambda images, files: bare(
            tf.cast(images, tf.float32)
        ).numpy(),
        "encoded_images": lambda images, files: loaded.signatures[
            "encoded_images"
        ](image_bytes=files)["embedding"].numpy(),
        "serving_default": lambda images, files: loaded.signatures[
            "serving_default"
        ](images=images)["embedding"].numpy(),
    }
    for name in FLAGS.runtimes:
        try:
            embed = RUNTIMES[name](directory)
        except ImportError as error:
            print(f"{name}: {error}", file=sys.stderr)
            continue
        forms[name] = lambda images, files, embed=embed: embed(images.numpy())
    return forms


def _times(forms, size):
    """Seconds, by the clock and of the processors, of every turn of each form.

    The first turn, which prepares, doesn't count.
    """
    pixels = data.draw(np.arange(size), np.zeros(size, int), FLAGS.image_size)
    files = [tf.io.encode_jpeg(image, quality=95) for image in pixels]
    images, files = tf.constant(pixels), tf.stack(files)
    times = {name: [] for name in forms}
    for turn in range(FLAGS.turns + 1):
        for name, form in forms.items():
            start, worked = time.perf_counter(), time.process_time()
            form(images, files)
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
