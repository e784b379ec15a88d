"""Similarities to measure, and naive loops to measure them by."""

import numpy as np


def random_case(seed, pairs=60, values=None):
    """Similarities and kinds; drawn from few `values` there are many ties."""
    rng = np.random.default_rng(seed)
    same = rng.permutation(pairs) < pairs // 3
    similarities = rng.normal(0.4 * same, 0.3).clip(-1, 1)
    if values is not None:
        similarities = np.round(similarities * values) / values
    return similarities, same


CASES = [
    *(random_case(seed) for seed in range(3)),
    *(random_case(seed, values=4) for seed in range(3)),
    (np.array([0.9, 0.8, 0.2, 0.1]), np.array([True, True, False, False])),
    (np.array([0.1, 0.2, 0.8, 0.9]), np.array([True, True, False, False])),
    (np.zeros(5), np.array([True, False, False, True, False])),
]


def rates(similarities, same, threshold):
    """FAR and TAR of a threshold, pair by pair."""
    accepted = {True: 0, False: 0}
    for similarity, kind in zip(similarities, same, strict=True):
        accepted[bool(kind)] += similarity >= threshold
    return accepted[False] / sum(~same), accepted[True] / sum(same)


def thresholds(similarities):
    """A threshold above all, and one at every similarity, descending."""
    return [np.inf, *sorted(set(similarities), reverse=True)]
