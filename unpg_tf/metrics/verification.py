"""Verification: are two images of one identity? In NumPy and exact."""

from typing import NamedTuple

import numpy as np

from unpg_tf import ops
from unpg_tf.metrics.accepted import accepted_pairs

# Pairs whose embeddings are gathered at a time, to bound the memory.
_CHUNK = 8192


class FoldAccuracy(NamedTuple):
    """Accuracy on each fold, by the threshold that the others chose.

    Attributes:
        accuracies: [folds] float64 array.
        thresholds: [folds] float64 array.
    """

    accuracies: np.ndarray
    thresholds: np.ndarray


def pair_similarities(embeddings, left, right, progress=None):
    """Computes the cosine similarities of pairs of embeddings.

    Args:
        embeddings: [n, dim] float array, of any length.
        left: [pairs] integer array, indices of embeddings.
        right: [pairs] integer array, indices of embeddings.
        progress: callable of the number of pairs done, or None.

    Returns:
        [pairs] float64 array in -1..1; 0 for a zero embedding.

    Raises:
        ValueError: shapes aren't the above, an index is out of range, or an
            embedding isn't finite.

    Example:
        >>> embeddings = np.array([[1.0, 0.0], [0.0, 2.0], [3.0, 0.0]])
        >>> pair_similarities(embeddings, [0, 0], [1, 2])
        array([0., 1.])
    """
    embeddings, left, right = _checked(embeddings, left, right)
    units = embeddings.astype(np.float64)
    norms = np.linalg.norm(units, axis=1, keepdims=True)
    units /= np.where(norms > 0, norms, 1)
    similarities = np.empty(len(left))
    for start in range(0, len(left), _CHUNK):
        rows = slice(start, start + _CHUNK)
        similarities[rows] = np.einsum(
            "ij,ij->i", units[left[rows]], units[right[rows]]
        )
        if progress is not None:
            progress(min(start + _CHUNK, len(left)))
    return np.clip(similarities, -1, 1)


def best_threshold(similarities, same):
    """Finds the threshold that verifies the most pairs correctly.

    It lies midway between two neighbouring similarities. Of several equally
    good ones it is the middle one; of the middle two, the higher.

    Args:
        similarities: [pairs] float array.
        same: [pairs] bool array, True for a pair of one identity.

    Returns:
        The threshold, a float: pairs of at least this similarity are of one
        identity.

    Raises:
        ValueError: as `accepted_pairs`.

    Example:
        >>> best_threshold(np.array([0.9, 0.5, 0.1]),
        ...                np.array([True, True, False]))
        0.3
    """
    values, positive, negative = accepted_pairs(similarities, same)
    correct = positive - negative
    best = np.flatnonzero(correct == correct.max())
    accepted = best[(len(best) - 1) // 2]
    if accepted == 0:
        return float(np.nextafter(values[0], np.inf))
    lowest = values[accepted - 1]
    below = values[accepted] if accepted < len(values) else lowest
    midway = (lowest + below) / 2
    # Nothing lies midway between two floats that are next to each other.
    return float(midway if midway > below else lowest)


def accuracy_at(similarities, same, threshold):
    """Computes the fraction of pairs that a threshold verifies correctly.

    Args:
        similarities: [pairs] float array.
        same: [pairs] bool array, True for a pair of one identity.
        threshold: float; pairs of at least this similarity are accepted.

    Returns:
        The accuracy, a float in 0..1.

    Raises:
        ValueError: shapes differ, or the threshold is no finite number.
    """
    ops.expect_numbers(threshold=threshold)
    similarities, same = np.asarray(similarities), np.asarray(same)
    ops.expect(
        similarities.shape == same.shape,
        "similarities and same of one shape",
        similarities=similarities.shape,
        same=same.shape,
    )
    accepted = similarities >= threshold
    return float(np.mean(accepted == same))


def fold_accuracy(similarities, same, fold):
    """Computes the accuracy on each fold by the threshold of the others.

    The protocol of LFW's View 2, CFP-FP, AgeDB-30, CALFW and CPLFW: no pair
    is verified by a threshold that it had a part in choosing.

    Args:
        similarities: [pairs] float array.
        same: [pairs] bool array, True for a pair of one identity.
        fold: [pairs] integer array, the fold of each pair.

    Returns:
        A `FoldAccuracy`: `accuracies` and `thresholds`, by ascending fold.

    Raises:
        ValueError: there are fewer than two folds, `fold` has another shape,
            or as `accepted_pairs`.

    Source: G. B. Huang et al., Labeled Faces in the Wild, UMass Amherst
        TR 07-49, 2007.
    """
    similarities, same = np.asarray(similarities), np.asarray(same)
    fold = np.asarray(fold)
    if fold.shape != same.shape or len(np.unique(fold)) < 2:
        raise ValueError(
            f"Expected fold of shape {same.shape}, two folds or more. "
            f"Received: shape {fold.shape}, folds {np.unique(fold)}"
        )
    thresholds, accuracies = [], []
    for index in np.unique(fold):
        held = fold == index
        threshold = best_threshold(similarities[~held], same[~held])
        thresholds.append(threshold)
        accuracies.append(
            accuracy_at(similarities[held], same[held], threshold)
        )
    return FoldAccuracy(np.array(accuracies), np.array(thresholds))


def separation(similarities, same):
    """Finds inf S^p and sup S^n, of the well-discriminative criterion.

    Args:
        similarities: [pairs] float array.
        same: [pairs] bool array, True for a pair of one identity.

    Returns:
        A `Separation`: `inf_positive`, `sup_negative`, `margin` and
        `well_discriminative`.

    Raises:
        ValueError: as `accepted_pairs`.

    Source: Jung et al., Unified Negative Pair Generation toward
        Well-discriminative Feature Space for Face Recognition, BMVC 2022.
    """
    return accepted_pairs(similarities, same).separation


def _checked(embeddings, left, right):
    embeddings = np.asarray(embeddings)
    left, right = np.asarray(left), np.asarray(right)
    if embeddings.ndim != 2 or left.ndim != 1 or left.shape != right.shape:
        raise ValueError(
            "Expected embeddings [n, dim], left [pairs] and right [pairs]. "
            f"Received: {embeddings.shape}, {left.shape} and {right.shape}"
        )
    kinds = embeddings.dtype.kind, left.dtype.kind, right.dtype.kind
    if kinds[0] not in "fiu" or not set(kinds[1:]) <= set("iu"):
        raise ValueError(
            "Expected embeddings, floats, and left and right, integers. "
            f"Received: {embeddings.dtype}, {left.dtype} and {right.dtype}"
        )
    indices = np.concatenate([left, right])
    if indices.size and not 0 <= indices.min() <= indices.max() < len(
        embeddings
    ):
        raise ValueError(
            f"Expected indices in 0..{len(embeddings) - 1}. Received: "
            f"{indices.min()}..{indices.max()}"
        )
    finite = np.isfinite(embeddings).all(axis=1)
    if not finite.all():
        raise ValueError(
            "Expected finite embeddings. Received: "
            f"{np.sum(~finite)} of {finite.size} with NaN or infinity, the "
            f"first at index {np.argmin(finite)}"
        )
    return embeddings, left, right
