r"""Measures trained models on all pairs of the images of listed people.

LFW's DevTest has 500 pairs of two identities, of which five decide a TAR at
FAR 0.01. All pairs of its people are millions:

    python benchmarks/all_pairs.py --data=lfw --people=lfw/peopleDevTest.txt \
        runs/quality/cosface-*/model.keras

prints a row of a table for each model. A person of many images has most of
the positive pairs, so that the figures stand beside one another, not beside
those of LFW's own pairs.
"""

import sys

import numpy as np
from absl import app
from absl import flags

from unpg_tf import data
from unpg_tf import evaluation
from unpg_tf import metrics

FLAGS = flags.FLAGS
flags.DEFINE_string("data", None, "Folder of a folder of images per identity.")
flags.DEFINE_string("people", None, "The people to take, in LFW's format.")
flags.mark_flags_as_required(["data", "people"])

FARS = (1e-1, 1e-2, 1e-3, 1e-4)


def main(argv):
    """Prints the table; exits with 1 and a message on an error."""
    if len(argv) < 2:
        raise app.UsageError("Expected .keras files. Received: none")
    try:
        people = data.read_people(FLAGS.people)
        folder = data.read_folder(FLAGS.data, people)
        pairs = np.triu_indices(len(folder.labels), 1)
        same = np.equal(*(folder.labels[rows] for rows in pairs))
        print(_heading(same))
        for path in argv[1:]:
            print(_row(path, folder.paths, pairs, same), flush=True)
    except (OSError, ValueError) as error:
        sys.exit(f"all_pairs.py: {error}")


def _heading(same):
    rates = " | ".join(f"TAR at FAR {far:g}" for far in FARS)
    return (
        f"{same.sum()} pairs of one identity, {(~same).sum()} of two\n\n"
        f"| model | AUC | {rates} |\n|---|---|{'---|' * len(FARS)}"
    )


def _row(path, images, pairs, same):
    embeddings = evaluation.Embedder(evaluation.load_model(path))(images)
    similarities = (embeddings @ embeddings.T)[pairs]
    tars = metrics.tar_at_far(similarities, same, FARS)
    values = [metrics.auc(similarities, same), *tars.values()]
    cells = " | ".join(
        "too few" if value is None else f"{value:.4f}" for value in values
    )
    return f"| {path} | {cells} |"


if __name__ == "__main__":
    app.run(main)
