"""Pairs that a threshold accepts: the counts that every rate is made of.

A pair is accepted where its similarity is at least the threshold. Equal
similarities are accepted together: no threshold can part them.
"""

from typing import NamedTuple

import numpy as np


class Separation(NamedTuple):
    """How far apart pairs of one identity and pairs of two are.

    Attributes:
        inf_positive: lowest similarity of a pair of one identity.
        sup_negative: highest similarity of a pair of two identities.
    """

    inf_positive: float
    sup_negative: float

    @property
    def margin(self):
        """The gap inf S^p - sup S^n, negative where the two overlap."""
        return self.inf_positive - self.sup_negative

    @property
    def well_discriminative(self):
        """Whether one threshold parts all pairs: inf S^p > sup S^n."""
        return self.inf_positive > self.sup_negative


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

    @property
    def far(self):
        """[k + 1] float64 array, false accept rates, from 0 to 1."""
        return self.different / self.different[-1]

    @property
    def tar(self):
        """[k + 1] float64 array, true accept rates, from 0 to 1."""
        return self.same / self.same[-1]

    @property
    def auc(self):
        """The area under the ROC curve; ties count half."""
        rises = np.diff(self.different) * (self.same[1:] + self.same[:-1])
        whole = 2 * int(self.same[-1]) * int(self.different[-1])
        return float(np.sum(rises) / whole)

    @property
    def eer(self):
        """Where FAR and 1 - TAR are the same, linearly interpolated."""
        far = self.far
        excess = 1 - self.tar - far
        end = int(np.argmax(excess <= 0))
        step = excess[end - 1] / (excess[end - 1] - excess[end])
        return float(far[end - 1] + step * (far[end] - far[end - 1]))

    @property
    def separation(self):
        """The lowest of one identity and the highest of two."""
        last = np.searchsorted(self.same, self.same[-1]) - 1
        first = np.searchsorted(self.different, 1) - 1
        return Separation(float(self.values[last]), float(self.values[first]))

    def tar_at(self, far):
        """The highest TAR that keeps to a FAR; None for too few pairs."""
        last = self._last_accepted(far)
        return None if last is None else float(self.same[last] / self.same[-1])

    def threshold_at(self, far):
        """The threshold of `tar_at`; None for too few pairs."""
        last = self._last_accepted(far)
        if last is None:
            return None
        # None accepted: just above the highest. All accepted: the lowest.
        values = self.values
        above = values[last - 1] if last else np.nextafter(values[0], np.inf)
        below = values[last] if 0 < last < len(values) else above
        midway = (above + below) / 2
        # Nothing lies midway between two floats that are next to each other.
        return float(midway if midway > below else above)

    def _last_accepted(self, far):
        """How many distinct similarities a FAR accepts."""
        # 0.29 * 100 is 28.999999999999996: round such products back up.
        allowed = int(np.floor(far * int(self.different[-1]) + 1e-9))
        if allowed < 1:
            return None
        return int(np.searchsorted(self.different, allowed, side="right")) - 1


def accepted_pairs(similarities, same):
    """Counts the pairs that each threshold accepts, by one sort.

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


def _checked(similarities, same):
    similarities, same = np.asarray(similarities), np.asarray(same)
    if similarities.dtype.kind not in "fiu":
        raise ValueError(
            "Expected similarities, numbers. "
            f"Received: an array of {similarities.dtype}"
        )
    similarities = similarities.astype(np.float64)
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
