"""Verification of pairs of images by a model."""

from typing import NamedTuple

import numpy as np

from unpg_tf.evaluation.report import verification_report
from unpg_tf.metrics.verification import best_threshold
from unpg_tf.metrics.verification import pair_similarities
from unpg_tf.progress import Progress


class Evaluation(NamedTuple):
    """What came out of an evaluation.

    Attributes:
        report: dictionary, as `verification_report` gives, and what was
            measured: `pairs_name`, `threshold_source` and `flip`.
        similarities: [pairs] float64 array.
    """

    report: dict
    similarities: np.ndarray


def evaluate_pairs(
    embedder, pairs, threshold_pairs=None, verbose=0, replicates=1000
):
    """Verifies pairs of images.

    Args:
        embedder: an `Embedder`.
        pairs: the `Pairs` to measure on. With several folds, each is
            measured by the threshold that the others choose.
        threshold_pairs: the `Pairs` to choose the threshold on where `pairs`
            has one fold; not read where it has several.
        verbose: 1 shows progress, 0 doesn't.
        replicates: draws of the bootstrap; 0 for no intervals.

    Returns:
        An `Evaluation`: `report` and `similarities`.

    Raises:
        ValueError: `threshold_pairs` is missing, an image can't be decoded,
            an embedding isn't finite, or all pairs are of one kind.

    Example:
        >>> embedder = Embedder(load_model("runs/demo/model.keras"))
        >>> pairs = read_pairs("lfw/pairs.txt", root="lfw")
        >>> evaluate_pairs(embedder, pairs).report["accuracy"]
        0.893
    """
    check_threshold_pairs(pairs, threshold_pairs)
    if pairs.num_folds == 1:
        known, similarities = _similarities(
            embedder, [threshold_pairs, pairs], verbose
        )
        threshold = best_threshold(known, threshold_pairs.same)
        source = threshold_pairs.name
    else:
        (similarities,) = _similarities(embedder, [pairs], verbose)
        threshold, source = None, f"the other folds of {pairs.name}"
    report = {
        **verification_report(
            similarities,
            pairs.same,
            pairs.fold,
            threshold,
            identities=pairs.identities,
            replicates=replicates,
            progress=bootstrap_progress(replicates) if verbose else None,
        ),
        "pairs_name": pairs.name,
        "threshold_source": source,
        "flip": embedder.flip,
    }
    return Evaluation(report, similarities)


def bootstrap_progress(replicates):
    """What shows the progress of a bootstrap of so many draws."""
    return Progress(f"{replicates} draws of the bootstrap", replicates, "draw")


def check_threshold_pairs(pairs, threshold_pairs):
    """Raises a ValueError where nothing can choose the threshold."""
    if pairs.num_folds == 1 and threshold_pairs is None:
        raise ValueError(
            "Expected threshold_pairs, other pairs to choose the threshold "
            f"on, since {pairs.name} has one fold. "
            "Received: threshold_pairs=None"
        )


def _similarities(embedder, sets, verbose):
    """The similarities of sets of pairs, whose images are embedded at once."""
    for pairs in sets if verbose else ():
        print(
            f"{pairs.name}: {len(pairs.same)} pairs of "
            f"{len(pairs.images)} images",
            flush=True,
        )
    images = np.concatenate([pairs.images for pairs in sets])
    embeddings = embedder(images, verbose=verbose)
    ends = np.cumsum([len(pairs.images) for pairs in sets])[:-1]
    return [
        pair_similarities(part, pairs.left, pairs.right)
        for part, pairs in zip(np.split(embeddings, ends), sets, strict=True)
    ]
