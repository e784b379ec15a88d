"""Receiver operating characteristic of similarities, in NumPy and exact.

Everything here costs one sort, O(n log n).
"""

from typing import NamedTuple

import numpy as np

from unpg_tf import ops
from unpg_tf.metrics.accepted import accepted_pairs

FARS = (0.1, 0.01, 0.001, 0.0001)
# For protocols with millions of pairs.
LOW_FARS = (*FARS, 1e-5, 1e-6)


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
    thresholds = np.append(np.inf, accepted.values)
    return RocCurve(accepted.far, accepted.tar, thresholds)


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
    return accepted_pairs(similarities, same).auc


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
    return accepted_pairs(similarities, same).eer


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
    check_fars(fars)
    accepted = accepted_pairs(similarities, same)
    return {far: accepted.tar_at(far) for far in fars}


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
    check_fars(fars)
    accepted = accepted_pairs(similarities, same)
    return {far: accepted.threshold_at(far) for far in fars}


def check_fars(fars):
    """Raises a ValueError where a FAR isn't within 0..1."""
    ops.expect(np.ndim(fars) == 1, "fars, a sequence of numbers", fars=fars)
    for far in fars:
        ops.expect_numbers(fars=far)
        ops.expect(
            0 < far <= 1, "false accept rates above 0 and up to 1", fars=fars
        )
