"""What unpg evaluate measures under each protocol."""

import os
from pathlib import Path
from typing import NamedTuple

import numpy as np

from unpg_tf import data
from unpg_tf import evaluation
from unpg_tf import metrics
from unpg_tf.cli.evaluate.flags import FLAGS
from unpg_tf.data import synthetic
from unpg_tf.data.folder import is_image
from unpg_tf.metrics.roc import FARS
from unpg_tf.progress import Progress

# Synthetic identities of --protocol=identification: beyond those of any
# training, and the distractors beyond them.
_FIRST_IDENTITY, _IDENTITIES, _VIEWS = 1_000_000, 40, 4


class Picture(NamedTuple):
    """The scores of a ROC curve and histograms.

    Attributes:
        suffix: what the file's name gets, such as "_Q1".
        report: the dictionary that belongs to it.
        similarities: [pairs] float array.
        same: [pairs] bool array.
    """

    suffix: str
    report: dict
    similarities: np.ndarray
    same: np.ndarray


def lfw(embedder, image_size):
    """LFW's pairs, or synthetic ones."""
    if FLAGS.data == "synthetic":
        count = FLAGS.synthetic_pairs
        pairs = evaluation.synthetic_pairs(
            count, image_size, progress=_drawing(2 * count)
        )
        return _verified(embedder, pairs)
    pairs = evaluation.read_pairs(FLAGS.pairs[0], FLAGS.data)
    if pairs.num_folds > 1:
        return _verified(embedder, pairs)
    if FLAGS.threshold_pairs is None:
        raise ValueError(
            f"Expected --threshold_pairs, since {FLAGS.pairs[0]} has one "
            "fold: a threshold chosen on the pairs that it is measured "
            "on would flatter. Received: none"
        )
    others = evaluation.read_pairs(FLAGS.threshold_pairs, FLAGS.data)
    return _verified(embedder, pairs, others)


def bin_set(embedder, image_size):
    """One of InsightFace's .bin sets."""
    del image_size
    return _verified(embedder, evaluation.read_bin(FLAGS.data))


def ijb(embedder, image_size):
    """IJB-B's or IJB-C's templates."""
    del image_size
    print(f"Reading {FLAGS.data}", flush=True)
    templates = evaluation.read_ijb(FLAGS.data)
    if FLAGS.detector_score and templates.detector_scores is None:
        raise ValueError(
            "Expected --nodetector_score without a *name_5pts_score.txt. "
            f"Received: none in {FLAGS.data}"
        )
    report, similarities = evaluation.evaluate_templates(
        embedder,
        templates,
        FLAGS.keep_norm,
        FLAGS.detector_score,
        verbose=1,
        replicates=FLAGS.bootstrap,
    )
    return report, [Picture("", report, similarities, templates.same)]


def kface(embedder, image_size):
    """K-FACE's pair lists, each and all together."""
    del image_size
    lists = evaluation.read_pair_lists(FLAGS.pairs, FLAGS.data)
    found = evaluation.evaluate_pair_lists(
        embedder, lists, verbose=1, replicates=FLAGS.bootstrap
    )
    pictures = [
        Picture(
            f"_{pairs.name.removesuffix('.txt')}",
            *found[pairs.name],
            pairs.same,
        )
        for pairs in lists
    ]
    reports = {pairs.name: found[pairs.name].report for pairs in lists}
    return {**found["all"].report, "lists": reports}, pictures


def identification(embedder, image_size):
    """Identities among distractors."""
    images, labels, strangers, name = _people(image_size)
    print(f"{name}: {len(images)} probes", flush=True)
    probes = embedder(images, verbose=1)
    if strangers is None:
        distractors = evaluation.StoredEmbeddings(FLAGS.distractors).embeddings
    else:
        print(f"{len(strangers)} distractors", flush=True)
        distractors = embedder(strangers, verbose=1)
    found = metrics.identify_among_distractors(
        probes,
        labels,
        distractors,
        replicates=FLAGS.bootstrap,
        progress=Progress(
            f"Searching {len(distractors)} distractors",
            len(probes) * len(distractors),
            "comparison",
        ),
    )
    report = {
        **_without_rates(found.report),
        "pairs_name": name,
        "threshold_source": None,
        "flip": embedder.flip,
        **found.report,
    }
    return report, [Picture("", report, found.similarities, found.same)]


PROTOCOLS = {
    "lfw": lfw,
    "bin": bin_set,
    "ijb": ijb,
    "kface": kface,
    "identification": identification,
}


def _verified(embedder, pairs, threshold_pairs=None):
    report, similarities = evaluation.evaluate_pairs(
        embedder, pairs, threshold_pairs, 1, FLAGS.bootstrap
    )
    return report, [Picture("", report, similarities, pairs.same)]


def _people(image_size):
    """Probes and who they are, strangers or None, and the data's name."""
    if FLAGS.data == "synthetic":
        images, labels = _drawn(
            _FIRST_IDENTITY, _IDENTITIES, _VIEWS, image_size
        )
        first = _FIRST_IDENTITY + _IDENTITIES
        strangers, _ = _drawn(first, FLAGS.synthetic_pairs, 1, image_size)
        return images, labels, strangers, "synthetic"
    folder = data.read_folder(
        FLAGS.data, progress=Progress(f"Listing {FLAGS.data}", unit="folder")
    )
    strangers = None
    if not FLAGS.distractors.endswith(".npz"):
        strangers = _images_under(FLAGS.distractors)
    return np.array(folder.paths), folder.labels, strangers, FLAGS.data


def _images_under(folder):
    """All images in a folder, however deep: who they are doesn't matter."""
    images = sorted(
        os.path.join(parent, name)
        for parent, _, names in os.walk(folder, followlinks=True)
        for name in names
        if is_image(Path(os.path.relpath(parent, folder), name).as_posix())
    )
    if not images:
        raise FileNotFoundError(
            f"Expected --distractors with images. Received: {folder}"
        )
    return np.array(images)


def _drawn(first, identities, views, image_size):
    """Synthetic images and their labels."""
    labels = np.repeat(first + np.arange(identities), views)
    views = np.tile(np.arange(views), identities)
    progress = _drawing(len(labels))
    return synthetic.draw(labels, views, image_size, progress=progress), labels


def _drawing(count):
    return Progress(f"Making {count} synthetic images", count)


def _without_rates(report):
    """The keys of a verification, of which identification has none."""
    negatives = report["probes"] * report["distractors"]
    names = ("accuracy", "accuracy_std", "threshold", "folds", "auc", "eer")
    ends = ("inf_positive", "sup_negative", "well_discriminative")
    fars = [str(far) for far in FARS]
    return {
        **dict.fromkeys(names),
        "tar_at_far": dict.fromkeys(fars),
        "threshold_at_far": dict.fromkeys(fars),
        "pairs": {
            "total": report["mates"] + negatives,
            "same": report["mates"],
            "different": negatives,
        },
        "negatives": negatives,
        **dict.fromkeys(ends),
    }
