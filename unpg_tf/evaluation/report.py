"""What an evaluation says, as a dictionary and as a JSON file."""

import json

import numpy as np

from unpg_tf.files import replaced
from unpg_tf.metrics.accepted import accepted_pairs
from unpg_tf.metrics.bootstrap import bootstrap_intervals
from unpg_tf.metrics.roc import FARS
from unpg_tf.metrics.roc import check_fars
from unpg_tf.metrics.verification import accuracy_at
from unpg_tf.metrics.verification import fold_accuracy
from unpg_tf.metrics.verification import pair_similarities


def verification_report(
    similarities,
    same,
    fold=None,
    threshold=None,
    fars=FARS,
    identities=None,
    replicates=1000,
    progress=None,
):
    """Measures verification by similarity.

    With two folds or more the accuracy is that of the folds, each by the
    threshold which the others choose; else it is that of `threshold`.

    Args:
        similarities: [pairs] float array.
        same: [pairs] bool array, True for a pair of one identity.
        fold: [pairs] integer array; None is one fold.
        threshold: float, chosen on other pairs; not read where there are
            several folds.
        fars: false accept rates, floats in 0..1.
        identities: as in `bootstrap_intervals`.
        replicates: draws of the bootstrap; 0 for no intervals.
        progress: callable of the number of draws done, or None.

    Returns:
        Dictionary that JSON can hold: `accuracy`; `accuracy_std`, over the
        folds, None without; `threshold`, the folds' mean; `folds`; `auc`;
        `eer`; `tar_at_far`, with keys "0.1", "0.01", "0.001" and "0.0001" (or
        those of `fars`) and None where there are too few pairs to say;
        `threshold_at_far`, with the same keys; `pairs`, with `total`, `same`
        and `different`; `negatives`, the latter; `inf_positive`,
        `sup_negative` and `well_discriminative`; `intervals`, as
        `bootstrap_intervals` gives, or None.

    Raises:
        ValueError: there is one fold and no threshold, shapes differ, a
            similarity isn't finite, all pairs are of one kind, or a FAR isn't
            within 0..1.

    Example:
        >>> verification_report(similarities, same, threshold=0.31)["accuracy"]
        0.893
    """
    accuracy, correct = _accuracy(similarities, same, fold, threshold)
    rates = rates_report(
        similarities,
        same,
        fars,
        correct,
        identities,
        replicates,
        progress,
    )
    return {**rates, **accuracy}


def rates_report(
    similarities,
    same,
    fars=FARS,
    correct=None,
    identities=None,
    replicates=1000,
    progress=None,
):
    """Measures what takes no threshold: the report of a protocol without one.

    Args:
        similarities: [pairs] float array.
        same: [pairs] bool array, True for a pair of one identity.
        fars: false accept rates, floats in 0..1.
        correct: as in `bootstrap_intervals`.
        identities: as in `bootstrap_intervals`.
        replicates: draws of the bootstrap; 0 for no intervals.
        progress: callable of the number of draws done, or None.

    Returns:
        Dictionary with the keys of `verification_report`, of which
        `accuracy`, `accuracy_std` and `threshold` are None.

    Raises:
        ValueError: as `verification_report`.
    """
    check_fars(fars)
    accepted = accepted_pairs(similarities, same)
    positive, negative = int(accepted.same[-1]), int(accepted.different[-1])
    intervals = None
    if replicates:
        intervals = bootstrap_intervals(
            similarities,
            same,
            fars,
            correct,
            identities,
            replicates,
            progress=progress,
        )
    return {
        "accuracy": None,
        "accuracy_std": None,
        "threshold": None,
        "folds": 1,
        "auc": accepted.auc,
        "eer": accepted.eer,
        "tar_at_far": {str(far): accepted.tar_at(far) for far in fars},
        "threshold_at_far": {
            str(far): accepted.threshold_at(far) for far in fars
        },
        "pairs": {
            "total": positive + negative,
            "same": positive,
            "different": negative,
        },
        "negatives": negative,
        **accepted.separation._asdict(),
        "well_discriminative": accepted.separation.well_discriminative,
        "intervals": intervals,
    }


def evaluate_embeddings(
    embeddings, left, right, same, fold=None, threshold=None
):
    """Measures verification by the cosine similarity of embeddings.

    Args:
        embeddings: [n, dim] float array, of any length.
        left: [pairs] integer array, indices of embeddings.
        right: [pairs] integer array, indices of embeddings.
        same: [pairs] bool array, True for a pair of one identity.
        fold: as in `verification_report`.
        threshold: as in `verification_report`.

    Returns:
        Dictionary, as `verification_report` gives.

    Raises:
        ValueError: as `pair_similarities` and `verification_report`.
    """
    similarities = pair_similarities(embeddings, left, right)
    return verification_report(similarities, same, fold, threshold)


def write_report(path, report):
    """Writes a report as a JSON file, whole or not at all.

    Args:
        path: the file to write; missing folders are made.
        report: dictionary that JSON can hold.

    Raises:
        ValueError: a number is NaN or infinite, which JSON can't hold.
    """
    text = json.dumps(report, indent=2, allow_nan=False)
    with replaced(path) as temporary:
        temporary.write_text(text + "\n", encoding="utf-8")


def _accuracy(similarities, same, fold, threshold):
    """The accuracy's part of the report, and which pairs are correct."""
    if fold is not None and len(np.unique(fold)) > 1:
        accuracies, thresholds = fold_accuracy(similarities, same, fold)
        _, place = np.unique(fold, return_inverse=True)
        return {
            "accuracy": float(accuracies.mean()),
            "accuracy_std": float(accuracies.std()),
            "threshold": float(thresholds.mean()),
            "folds": len(thresholds),
        }, (similarities >= thresholds[place]) == same
    if threshold is None:
        raise ValueError(
            "Expected a threshold from other pairs, since there is one fold. "
            "Received: threshold=None"
        )
    return {
        "accuracy": accuracy_at(similarities, same, threshold),
        "threshold": float(threshold),
    }, (np.asarray(similarities) >= threshold) == same
