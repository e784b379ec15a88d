"""Receiver operating characteristic of similarities, in NumPy and exact.

A pair is accepted where its similarity is at least the threshold. Equal
similarities are accepted together: no threshold can part them. Everything
here costs one sort, O(n log n).
"""

from typing import NamedTuple

import numpy as np

FARS = (0.1, 0.01, 0.001, 0.0001)


class AcceptedPairs(NamedTuple):
    """How many pairs are accepted as the threshold falls.

    Attributes:
        values: [k] float64 array, the distinct similarities, descending.
        same: [k + 1] int64 array, pairs of one identity among those with the
            0, 1, ..., k highest distinct similarities.
        different: [k + 1] int64 array, the same of two identities.
    """

    values: np.ndarray
    same: np.ndarray
    different: np.ndarray


class RocCurve(NamedTuple):
    """A ROC curve, a point per distinct similarity.

    Attributes:
        far: [k + 1] float64 array, false accept rates, ascending from 0 to 1.
        tar: [k + 1] float64 array, true accept rates, ascending from 0 to 1.
        thresholds: [k + 1] float64 array, descending; the first is infinite.
    """

    far: np.ndarray
    tar: np.ndarray
    thresholds: np.ndarray


def accepted_pairs(similarities, same):
    """Counts the pairs that each threshold accepts.

    Args:
        similarities: [pairs] float array.
        same: [pairs] bool array, True for a pair of one identity.

    Returns:
        An `AcceptedPairs`.

    Raises:
        ValueError: shapes differ, `same` isn't boolean, a similarity isn't
            finite, or all pairs are of one kind.
    """
    similarities, same = _checked(similarities, same)
    order = np.argsort(-similarities, kind="stable")
    values = similarities[order]
    ends = np.flatnonzero(np.append(values[1:] != values[:-1], True))
    total = np.append(0, ends + 1)
    positive = np.append(0, np.cumsum(same[order])[ends])
    return AcceptedPairs(values[ends], positive, total - positive)


def roc_curve(similarities, same):
    """Computes the ROC curve of verification by similarity.

    Args:
        similarities: [pairs] float array.
        same: [pairs] bool array, True for a pair of one identity.

    Returns:
        A `RocCurve`: `far`, `tar` and `thresholds`.

    Raises:
        ValueError: as `accepted_pairs`.

    Example:
        >>> roc_curve(np.array([0.9, 0.4, 0.4]), np.array([True, True, False]))
        RocCurve(far=array([0., 0., 1.]), tar=array([0. , 0.5, 1. ]),
        thresholds=array([inf, 0.9, 0.4]))
    """
    accepted = accepted_pairs(similarities, same)
    return RocCurve(
        far=accepted.different / accepted.different[-1],
        tar=accepted.same / accepted.same[-1],
        thresholds=np.append(np.inf, accepted.values),
    )


def auc(similarities, same):
    """Computes the area under the ROC curve.

    It is the probability that a pair of one identity is more similar than a
    pair of two; equal similarities count half (Mann-Whitney).

    Args:
        similarities: [pairs] float array.
        same: [pairs] bool array, True for a pair of one identity.

    Returns:
        The area, a float in 0..1.

    Raises:
        ValueError: as `accepted_pairs`.
    """
    _, positive, negative = accepted_pairs(similarities, same)
    doubled = np.sum(np.diff(negative) * (positive[1:] + positive[:-1]))
    return float(doubled / (2 * int(positive[-1]) * int(negative[-1])))


def eer(similarities, same):
    """Computes the equal error rate: where FAR and 1 - TAR are the same.

    Between two points of the ROC curve it is interpolated linearly.

    Args:
        similarities: [pairs] float array.
        same: [pairs] bool array, True for a pair of one identity.

    Returns:
        The rate, a float in 0..1.

    Raises:
        ValueError: as `accepted_pairs`.
    """
    far, tar, _ = roc_curve(similarities, same)
    excess = 1 - tar - far
    end = int(np.argmax(excess <= 0))
    step = excess[end - 1] / (excess[end - 1] - excess[end])
    return float(far[end - 1] + step * (far[end] - far[end - 1]))


def tar_at_far(similarities, same, fars=FARS):
    """Computes the true accept rates at given false accept rates.

    The highest TAR of all thresholds whose FAR doesn't exceed the given one,
    without interpolation.

    Args:
        similarities: [pairs] float array.
        same: [pairs] bool array, True for a pair of one identity.
        fars: false accept rates, floats in 0..1.

    Returns:
        Dictionary of each FAR to its TAR, or to None where there are fewer
        than 1 / FAR pairs of two identities, too few to say.

    Raises:
        ValueError: a FAR isn't within 0..1, or as `accepted_pairs`.

    Example:
        >>> tar_at_far(similarities, same, fars=(0.1, 0.01))
        {0.1: 0.914, 0.01: 0.688}
    """
    _check_fars(fars)
    accepted = accepted_pairs(similarities, same)
    return {far: _tar_at(accepted, far) for far in fars}


def threshold_at_far(similarities, same, fars=FARS):
    """Finds the thresholds that keep to given false accept rates.

    Of the thresholds whose FAR doesn't exceed the given one, that of
    `tar_at_far`: midway between the lowest similarity that it accepts and the
    highest that it rejects.

    Args:
        similarities: [pairs] float array.
        same: [pairs] bool array, True for a pair of one identity.
        fars: false accept rates, floats in 0..1.

    Returns:
        Dictionary of each FAR to its threshold, or to None where there are
        fewer than 1 / FAR pairs of two identities, too few to say.

    Raises:
        ValueError: a FAR isn't within 0..1, or as `accepted_pairs`.

    Example:
        >>> threshold_at_far(similarities, same, fars=(0.1, 0.01))
        {0.1: 0.21, 0.01: 0.35}
    """
    _check_fars(fars)
    accepted = accepted_pairs(similarities, same)
    return {far: _threshold_at(accepted, far) for far in fars}


def _check_fars(fars):
    if not all(0 < far <= 1 for far in fars):
        raise ValueError(
            "Expected false accept rates above 0 and up to 1. "
            f"Received: fars={fars}"
        )


def _threshold_at(accepted, far):
    last = _last_accepted(accepted, far)
    if last is None:
        return None
    # None accepted: just above the highest. All accepted: the lowest itself.
    values = accepted.values
    above = values[last - 1] if last else np.nextafter(values[0], np.inf)
    below = values[last] if 0 < last < len(values) else above
    midway = (above + below) / 2
    # Nothing lies midway between two floats that are next to each other.
    return float(midway if midway > below else above)


def _tar_at(accepted, far):
    last = _last_accepted(accepted, far)
    return (
        None if last is None else float(accepted.same[last] / accepted.same[-1])
    )


def _last_accepted(accepted, far):
    """How many distinct similarities a FAR accepts; None if too few pairs."""
    # 0.29 * 100 is 28.999999999999996: round such products back up.
    allowed = int(np.floor(far * int(accepted.different[-1]) + 1e-9))
    if allowed < 1:
        return None
    return int(np.searchsorted(accepted.different, allowed, side="right")) - 1


def _checked(similarities, same):
    similarities = np.asarray(similarities, dtype=np.float64)
    same = np.asarray(same)
    if similarities.ndim != 1 or similarities.shape != same.shape:
        raise ValueError(
            "Expected similarities and same of one shape [pairs]. Received: "
            f"similarities {similarities.shape}, same {same.shape}"
        )
    if same.dtype != bool:
        raise ValueError(f"Expected same of dtype bool. Received: {same.dtype}")
    finite = np.isfinite(similarities)
    if not finite.all():
        raise ValueError(
            "Expected finite similarities. Received: "
            f"{np.sum(~finite)} of {finite.size} that are NaN or infinite, "
            f"the first at index {np.argmin(finite)}"
        )
    if same.all() or not same.any():
        raise ValueError(
            "Expected pairs of one identity and pairs of two. Received: "
            f"{same.sum()} of one and {np.sum(~same)} of two"
        )
    return similarities, same
