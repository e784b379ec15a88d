r"""Checks an export in other runtimes, against Keras, on real images.

    python benchmarks/compatibility.py --model=runs/lfw/model.keras \
        --data=lfw --pairs=lfw/pairsDevTest.txt

exports the model, and gives each runtime the images of the pairs as they are,
so that it is the export's graph that resizes them. Printed are the lowest
cosine between a runtime's embedding and that of Keras, and the AUC of
verification with what it loses. Packages as in runtimes.py; a runtime without
its package is listed as such.
"""

import os
import sys
import tempfile

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np  # noqa: E402
import tensorflow as tf  # noqa: E402
from absl import app  # noqa: E402
from absl import flags  # noqa: E402
from absl import logging  # noqa: E402
from runtimes import RUNTIMES  # noqa: E402

from unpg_tf import evaluation
from unpg_tf import metrics  # noqa: E402
from unpg_tf import serving  # noqa: E402

FLAGS = flags.FLAGS
flags.DEFINE_string("model", None, "A trained model's .keras file.")
flags.DEFINE_string("data", None, "Folder of a folder of images per identity.")
flags.DEFINE_string("pairs", None, "Pairs of images, in LFW's format.")
flags.DEFINE_integer("batch_size", 50, "Images in a call.", lower_bound=1)
flags.mark_flags_as_required(["model", "data", "pairs"])


def main(argv):
    """Prints the table; exits with 1 and a message on an error."""
    if len(argv) > 1:
        raise app.UsageError(f"Expected flags only. Received: {argv[1:]}")
    # What TensorFlow says about saving would stand between the rows.
    logging.set_verbosity(logging.WARNING)
    try:
        _compare()
    except (OSError, ValueError) as error:
        sys.exit(f"compatibility.py: {error}")


def _compare():
    model = evaluation.load_model(FLAGS.model)
    pairs = evaluation.read_pairs(FLAGS.pairs, FLAGS.data)
    expected = evaluation.Embedder(model, flip=False)(pairs.images)
    auc = _auc(expected, pairs)
    print(
        f"{len(pairs.images)} images, {len(pairs.same)} pairs of {pairs.name}; "
        f"AUC by Keras {auc:.5f}\n\n"
        "| runtime | lowest cosine | AUC | AUC - Keras' |\n|---|---|---|---|"
    )
    with tempfile.TemporaryDirectory() as directory:
        directory = f"{directory}/1"
        serving.save(model, directory, threshold=0.0)
        for name, runtime in RUNTIMES.items():
            try:
                got = _embeddings(runtime(directory), pairs.images)
            except ImportError as error:
                print(f"| {name} | {error} | | |")
                continue
            cosine = np.sum(got * expected, axis=1).min()
            loss = _auc(got, pairs) - auc
            print(
                f"| {name} | {cosine:.7f} | {auc + loss:.5f} | {loss:+.5f} |",
                flush=True,
            )


def _embeddings(embed, files):
    batches = (
        files[start : start + FLAGS.batch_size]
        for start in range(0, len(files), FLAGS.batch_size)
    )
    return np.concatenate([embed(_pixels(batch)) for batch in batches])


def _pixels(files):
    """[n, h, w, 3] uint8: the images as they are, all of one size."""
    images = [
        tf.io.decode_image(
            tf.io.read_file(file), channels=3, expand_animations=False
        ).numpy()
        for file in files
    ]
    return np.stack(images)


def _auc(embeddings, pairs):
    similarities = metrics.pair_similarities(
        embeddings, pairs.left, pairs.right
    )
    return metrics.auc(similarities, pairs.same)


if __name__ == "__main__":
    app.run(main)
