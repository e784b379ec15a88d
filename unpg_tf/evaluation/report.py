"""What an evaluation says, as a dictionary and as a JSON file."""

import json

import numpy as np

from unpg_tf.evaluation.files import replaced
from unpg_tf.evaluation.roc import auc
from unpg_tf.evaluation.roc import eer
from unpg_tf.evaluation.roc import tar_at_far
from unpg_tf.evaluation.roc import threshold_at_far
from unpg_tf.evaluation.verification import accuracy_at
from unpg_tf.evaluation.verification import fold_accuracy
from unpg_tf.evaluation.verification import pair_similarities
from unpg_tf.evaluation.verification import separation


def verification_report(similarities, same, fold=None, threshold=None):
    """Measures verification by similarity.

    With two folds or more the accuracy is that of the folds, each by the
    threshold which the others choose; else it is that of `threshold`.

    Args:
        similarities: [pairs] float array.
        same: [pairs] bool array, True for a pair of one identity.
        fold: [pairs] integer array; None is one fold.
        threshold: float, chosen on other pairs; not read where there are
            several folds.

    Returns:
        Dictionary that JSON can hold: `accuracy`; `accuracy_std`, over the
        folds, None without; `threshold`, the folds' mean; `auc`; `eer`;
        `tar_at_far`, with keys "0.1", "0.01", "0.001" and "0.0001" and None
        where there are too few pairs to say; `threshold_at_far`, with the
        same keys; `pairs`, with `total`, `same`
        and `different`; `folds`; `inf_positive`, `sup_negative` and
        `well_discriminative`.

    Raises:
        ValueError: there is one fold and no threshold, shapes differ, a
            similarity isn't finite, or all pairs are of one kind.

    Example:
        >>> verification_report(similarities, same, threshold=0.31)["accuracy"]
        0.893
    """
    same = np.asarray(same)
    tars = tar_at_far(similarities, same)
    thresholds = threshold_at_far(similarities, same)
    parted = separation(similarities, same)
    return {
        **_accuracy(similarities, same, fold, threshold),
        "auc": auc(similarities, same),
        "eer": eer(similarities, same),
        "tar_at_far": {str(far): tar for far, tar in tars.items()},
        "threshold_at_far": {
            str(far): threshold for far, threshold in thresholds.items()
        },
        "pairs": {
            "total": len(same),
            "same": int(same.sum()),
            "different": int(np.sum(~same)),
        },
        **parted._asdict(),
        "well_discriminative": parted.well_discriminative,
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
    folds = 1 if fold is None else len(np.unique(fold))
    if folds > 1:
        accuracies, thresholds = fold_accuracy(similarities, same, fold)
        accuracy, std = float(accuracies.mean()), float(accuracies.std())
        threshold = float(thresholds.mean())
    elif threshold is None:
        raise ValueError(
            "Expected a threshold from other pairs, since there is one fold. "
            "Received: threshold=None"
        )
    else:
        accuracy, std = accuracy_at(similarities, same, threshold), None
    return {
        "accuracy": accuracy,
        "accuracy_std": std,
        "threshold": float(threshold),
        "folds": folds,
    }
