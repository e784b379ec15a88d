"""Confidence intervals: what in a report is noise."""

import numpy as np

from unpg_tf import ops
from unpg_tf.metrics.accepted import AcceptedPairs
from unpg_tf.metrics.accepted import accepted_pairs
from unpg_tf.metrics.roc import FARS
from unpg_tf.metrics.roc import check_fars

LEVEL = 0.95


def bootstrap_intervals(
    similarities,
    same,
    fars=FARS,
    correct=None,
    identities=None,
    replicates=1000,
    seed=0,
    progress=None,
):
    """Computes 95 % intervals of the rates by the percentile bootstrap.

    Pairs of one identity and of two are each drawn anew, with replacement.
    With `identities` it is those that are drawn: a pair then counts as often
    as the product of its identities' draws, a pair of one identity as often
    as that is drawn. This is wider and more honest where few identities make
    many pairs. The thresholds that chose `correct` are held.

    Args:
        similarities: [pairs] float array.
        same: [pairs] bool array, True for a pair of one identity.
        fars: false accept rates, floats in 0..1.
        correct: [pairs] bool array, the pairs verified correctly; None leaves
            the accuracy out.
        identities: [pairs, 2] integer array, who is in each pair; None draws
            pairs.
        replicates: how often to draw.
        seed: integer; the same gives the same intervals.
        progress: callable of the number of draws done, or None.

    Returns:
        Dictionary that JSON can hold: `level`, `resampled` ("pairs" or
        "identities"), `replicates`, and [low, high] of `accuracy` (None
        without `correct`), `auc`, `eer` and each FAR of `tar_at_far` (None
        where there are too few pairs to say).

    Raises:
        ValueError: as `accepted_pairs`, or another argument is none of what
            it should be.

    Source: B. Efron, Bootstrap Methods: Another Look at the Jackknife,
        Annals of Statistics 7 (1), 1979.

    Example:
        >>> bootstrap_intervals(similarities, same)["auc"]
        [0.951, 0.968]
    """
    check_fars(fars)
    ops.expect_counts(replicates=replicates)
    same = np.asarray(same)
    accepted = accepted_pairs(similarities, same)
    ops.expect(
        identities is None or np.shape(identities) == (len(same), 2),
        "identities of shape [pairs, 2]",
        identities=np.shape(identities),
    )
    group, counts = _groups(accepted)
    correct = None if correct is None else np.asarray(correct)
    rng = np.random.default_rng(seed)
    if identities is None:
        draws = _draws_of_pairs(rng, counts, same, correct)
    else:
        place = _places(accepted, similarities)
        draws = _draws_of_identities(
            rng, group[place], same, correct, identities
        )
    rows = []
    for done in range(1, replicates + 1):
        rows.append(_rates(*next(draws), fars))
        if progress is not None:
            progress(done)
    edges = _edges(np.array(rows))
    accuracy = edges[0] if correct is not None else None
    resampled = "pairs" if identities is None else "identities"
    return _named(edges, accuracy, fars, accepted, resampled, replicates)


def difference_intervals(
    similarities,
    others,
    same,
    identities,
    fars=FARS,
    replicates=1000,
    seed=0,
    progress=None,
):
    """Computes 95 % intervals of what two models' rates differ by.

    Both are measured on the same pairs, and each draw of identities counts
    for both, so that what makes pairs hard for both doesn't widen the
    interval. It says what other people would have changed, not what another
    training would have.

    Args:
        similarities: [pairs] float array, those of one model.
        others: [pairs] float array, those of the model to compare with.
        same: [pairs] bool array, True for a pair of one identity.
        identities: [pairs, 2] integer array, who is in each pair.
        fars: false accept rates, floats in 0..1.
        replicates: how often to draw.
        seed: integer; the same gives the same intervals.
        progress: callable of the number of draws done, or None.

    Returns:
        Dictionary with the keys of `bootstrap_intervals`; above 0 is where
        the first model has more.

    Raises:
        ValueError: as `bootstrap_intervals`.

    Example:
        >>> found = difference_intervals(unpg, margin, same, identities)
        >>> found["tar_at_far"]["0.01"]
        [0.021, 0.046]
    """
    check_fars(fars)
    ops.expect_counts(replicates=replicates)
    same = np.asarray(same)
    models = accepted_pairs(similarities, same), accepted_pairs(others, same)
    ops.expect(
        np.shape(identities) == (len(same), 2),
        "identities of shape [pairs, 2]",
        identities=np.shape(identities),
    )
    # The same seed draws the same people for both.
    draws = [
        _draws_of_identities(
            np.random.default_rng(seed),
            _groups(accepted)[0][_places(accepted, values)],
            same,
            None,
            identities,
        )
        for accepted, values in zip(models, (similarities, others), strict=True)
    ]
    rows = []
    for done in range(1, replicates + 1):
        ours, theirs = (np.array(_rates(*next(draw), fars)) for draw in draws)
        rows.append(ours - theirs)
        if progress is not None:
            progress(done)
    edges = _edges(np.array(rows))
    return _named(edges, None, fars, models[0], "identities", replicates)


def _places(accepted, similarities):
    """Where each pair's similarity stands among the distinct ones."""
    return np.searchsorted(-accepted.values, -np.asarray(similarities))


def _named(edges, accuracy, fars, accepted, resampled, replicates):
    """The dictionary of the columns' intervals."""
    known = [far * accepted.different[-1] >= 1 - 1e-9 for far in fars]
    return {
        "level": LEVEL,
        "resampled": resampled,
        "replicates": replicates,
        "accuracy": accuracy,
        "auc": edges[1],
        "eer": edges[2],
        "tar_at_far": {
            str(far): edge if enough else None
            for far, edge, enough in zip(fars, edges[3:], known, strict=True)
        },
    }


def _groups(accepted):
    """Puts neighbours of one kind together, which changes no rate.

    Returns the group of each distinct similarity, and [2, groups] numbers of
    pairs of one identity and of two, from the most similar on.
    """
    counts = np.stack([np.diff(accepted.same), np.diff(accepted.different)])
    alone = (counts > 0).all(axis=0)
    positive = counts[0] > 0
    starts = alone[1:] | alone[:-1] | (positive[1:] != positive[:-1])
    firsts = np.flatnonzero(np.append(True, starts))
    group = np.append(0, np.cumsum(starts))
    return group, np.add.reduceat(counts, firsts, axis=1)


def _draws_of_pairs(rng, counts, same, correct):
    """Yields numbers of pairs in each group, and the accuracy."""
    sizes = counts.sum(axis=1)
    shares = counts / sizes[:, np.newaxis]
    right = [0.0, 0.0]
    if correct is not None:
        right = [correct[same].mean(), correct[~np.asarray(same)].mean()]
    while True:
        drawn = [
            rng.multinomial(size, share)
            for size, share in zip(sizes, shares, strict=True)
        ]
        yield *drawn, np.sum(rng.binomial(sizes, right)) / sizes.sum()


def _draws_of_identities(rng, groups, same, correct, identities):
    """Yields the same, by drawing identities; all of one kind is no draw."""
    same = np.asarray(same)
    correct = np.zeros(len(same)) if correct is None else correct
    _, who = np.unique(identities, return_inverse=True)
    left, right = who.reshape(-1, 2).T
    people, size = who.max() + 1, groups.max() + 1
    while True:
        times = np.bincount(rng.integers(people, size=people), minlength=people)
        weights = np.where(same, times[left], times[left] * times[right])
        positive, negative = (
            np.bincount(groups, weights * kind, size).astype(np.int64)
            for kind in (same, ~same)
        )
        if positive.any() and negative.any():
            yield positive, negative, np.average(correct, weights=weights)


def _rates(positive, negative, accuracy, fars):
    """One draw's accuracy, AUC, EER and TARs."""
    cumulated = (np.append(0, np.cumsum(kind)) for kind in (positive, negative))
    accepted = AcceptedPairs(np.arange(len(positive)), *cumulated)
    tars = (accepted.tar_at(far) for far in fars)
    # Fewer negatives than 1 / FAR: drawn identities only, rare, left out.
    tars = (np.nan if tar is None else tar for tar in tars)
    return [accuracy, accepted.auc, accepted.eer, *tars]


def _edges(rows):
    """The interval of each column of [replicates, rates], as lists."""
    tail = 100 * (1 - LEVEL) / 2
    known = [column[~np.isnan(column)] for column in rows.T]
    return [
        [float(edge) for edge in np.percentile(column, [tail, 100 - tail])]
        if len(column)
        else None
        for column in known
    ]
