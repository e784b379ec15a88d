"""Identification: who of a gallery is it, if anyone?"""

from typing import NamedTuple

import numpy as np

from unpg_tf import ops
from unpg_tf.metrics.accepted import accepted_pairs
from unpg_tf.metrics.bootstrap import LEVEL
from unpg_tf.metrics.search import after
from unpg_tf.metrics.search import top_matches
from unpg_tf.metrics.verification import pair_similarities

RANKS = (1, 5, 10)
FPIRS = (0.1, 0.01, 0.001)
# What float32 doesn't tell apart: such similarities tie, and a tie is a miss,
# so that a model with one answer for all faces identifies none.
_TIE = 1e-6


class Identification(NamedTuple):
    """What came out of an identification.

    Attributes:
        report: dictionary that JSON can hold.
        similarities: [mates + strangers] float array: of each probe to its
            mate, then of each probe that shouldn't be found to the most
            similar of the gallery.
        same: [mates + strangers] bool array, True for the former.
    """

    report: dict
    similarities: np.ndarray
    same: np.ndarray


def identify_open_set(
    probes, labels, gallery, gallery_labels, ranks=RANKS, fpirs=FPIRS
):
    """Searches a gallery that some of the probes aren't in (1:N).

    Args:
        probes: [n, dim] float array of embeddings, of any length.
        labels: [n] integer array, who the probes are.
        gallery: [m, dim] float array of embeddings, of any length.
        gallery_labels: [m] integer array, who the gallery is.
        ranks: integers.
        fpirs: false positive identification rates, floats in 0..1.

    Returns:
        An `Identification`. Its report has the numbers of `probes`, `mated`
        (whose identity the gallery has) and `unmated` ones, and of the
        `gallery`; `rank`, the share of mated probes with fewer than 1, 5 or
        10 others that are at least as similar as the mate; and
        `tpir_at_fpir`, the share of mated probes whose mate reaches the
        threshold that lets this share of unmated ones through, None where
        there are too few of those to say. Ranks beyond the gallery are 1.

    Raises:
        ValueError: shapes don't fit, no probe or all of them are mated.

    Source: C. Whitelam et al., IARPA Janus Benchmark-B Face Dataset, CVPR
        Workshops 2017.

    Example:
        >>> found = identify_open_set(probes, labels, gallery, gallery_labels)
        >>> found.report["rank"]["1"], found.report["tpir_at_fpir"]["0.01"]
        (0.941, 0.876)
    """
    _check_ranks_and_rates(ranks, fpirs)
    labels, gallery_labels = np.asarray(labels), np.asarray(gallery_labels)
    mated = np.isin(labels, gallery_labels)
    if mated.all() or not mated.any():
        raise ValueError(
            "Expected probes that the gallery has and others. "
            f"Received: {mated.sum()} and {np.sum(~mated)}"
        )
    mates, others, top = _scores(probes, labels, gallery, gallery_labels, ranks)
    similarities = np.append(mates[mated], top[~mated])
    same = np.arange(len(labels)) < mated.sum()
    accepted = accepted_pairs(similarities, same)
    hits = _hits(mates[mated], others[mated], ranks)
    report = {
        "probes": len(labels),
        "mated": int(mated.sum()),
        "unmated": int(np.sum(~mated)),
        "gallery": len(gallery_labels),
        "rank": {str(rank): float(hits[rank].mean()) for rank in ranks},
        "tpir_at_fpir": {str(fpir): accepted.tar_at(fpir) for fpir in fpirs},
    }
    return Identification(report, similarities, same)


def identify_among_distractors(
    probes,
    labels,
    distractors,
    ranks=RANKS,
    fpirs=FPIRS,
    sizes=None,
    replicates=1000,
    seed=0,
    progress=None,
):
    """Finds each probe's mate among many strangers, as MegaFace does.

    Each image of an identity is the probe once for each other image of it,
    which then is the one mate in a gallery of distractors. Of these, larger
    galleries hold the smaller ones, in an order drawn by `seed`.

    Args:
        probes: [n, dim] float array of embeddings, of any length.
        labels: [n] integer array, who the probes are.
        distractors: [m, dim] float array of embeddings of other people; may
            be a `np.memmap`, and is never copied whole.
        ranks: integers.
        fpirs: false positive identification rates, floats in 0..1.
        sizes: ascending numbers of distractors to measure rank 1 with; None
            takes the powers of ten, and all.
        replicates: draws of the bootstrap, over identities; 0 for none.
        seed: integer, of the order and the draws.
        progress: callable of the number of comparisons done, of n * m, or
            None.

    Returns:
        An `Identification`. Its report has `probes`, `mates` (the pairs of
        one identity), `distractors`, `rank` and `tpir_at_fpir` as in
        `identify_open_set`, `rank_1_at_size` with a key for each of `sizes`,
        and `intervals`, with `level`, `resampled`, `replicates` and `rank_1`,
        [low, high]; or None.

    Raises:
        ValueError: shapes don't fit, or no identity has two probes.

    Source: I. Kemelmacher-Shlizerman et al., The MegaFace Benchmark, CVPR
        2016.

    Example:
        >>> found = identify_among_distractors(probes, labels, distractors)
        >>> found.report["rank_1_at_size"]
        {"10": 0.999, "100": 0.994, "1000": 0.978}
    """
    _check_ranks_and_rates(ranks, fpirs)
    labels = np.asarray(labels)
    ops.expect(
        labels.shape == np.shape(probes)[:1],
        "labels of shape [n], one for each probe",
        labels=labels.shape,
        probes=np.shape(probes),
    )
    left, right = _mates(labels)
    sizes = _sizes(len(distractors)) if sizes is None else sizes
    mates = pair_similarities(probes, left, right)
    order = np.random.default_rng(seed).permutation(len(distractors))
    best, by_size = np.empty((len(labels), 0)), {}
    for start, end in zip((0, *sizes), sizes, strict=False):
        found, _ = top_matches(
            probes,
            distractors,
            min(max(ranks), end - start),
            order[start:end],
            after(progress, start * len(labels)),
        )
        best = _most(np.append(best, found, axis=1), max(ranks))
        by_size[str(end)] = float(np.mean(mates > best[left, 0] + _TIE))
    hits = _hits(mates, best[left], ranks)
    similarities = np.append(mates, best[:, 0])
    same = np.arange(len(similarities)) < len(mates)
    accepted = accepted_pairs(similarities, same)
    report = {
        "probes": len(labels),
        "mates": len(left),
        "distractors": len(distractors),
        "rank": {str(rank): float(hits[rank].mean()) for rank in ranks},
        "tpir_at_fpir": {str(fpir): accepted.tar_at(fpir) for fpir in fpirs},
        "rank_1_at_size": by_size,
        "intervals": _intervals(
            mates > best[left, 0] + _TIE, labels[left], replicates, seed
        ),
    }
    return Identification(report, similarities, same)


def _check_ranks_and_rates(ranks, fpirs):
    ops.expect(
        np.ndim(ranks) == np.ndim(fpirs) == 1 and len(ranks) > 0,
        "ranks and fpirs, sequences of numbers",
        ranks=ranks,
        fpirs=fpirs,
    )
    for rank in ranks:
        ops.expect_counts(ranks=rank)
    for rate in fpirs:
        ops.expect_numbers(fpirs=rate)
        ops.expect(0 < rate <= 1, "fpirs above 0 and up to 1", fpirs=rate)


def _scores(probes, labels, gallery, gallery_labels, ranks):
    """Each probe's mate, the most similar others, and the most similar.

    [n], [n, ranks] and [n] float arrays; a probe without a mate has -inf, as
    have others where the gallery ends.
    """
    # The mates stand among the most similar: as many more are needed.
    _, copies = np.unique(gallery_labels, return_counts=True)
    k = min(max(ranks) + copies.max(), len(gallery_labels))
    found, rows = top_matches(probes, gallery, k)
    is_mate = gallery_labels[rows] == labels[:, np.newaxis]
    others = _most(np.where(is_mate, -np.inf, found), max(ranks))
    mates = np.full(len(labels), -np.inf)
    for label in np.unique(labels[np.isin(labels, gallery_labels)]):
        who = np.flatnonzero(labels == label)
        where = np.flatnonzero(gallery_labels == label)
        mates[who] = top_matches(probes[who], gallery[where], 1)[0][:, 0]
    return mates, others, found[:, 0]


def _most(similarities, count):
    """The most similar of each row, descending; -inf where they end."""
    ends = np.full((len(similarities), count), -np.inf)
    together = np.append(similarities, ends, axis=1)
    return -np.sort(-together, axis=1)[:, :count]


def _hits(mates, others, ranks):
    """Which mates are found within each rank, as a dictionary."""
    return {rank: mates > others[:, rank - 1] + _TIE for rank in ranks}


def _mates(labels):
    """All ordered pairs of different images of one identity."""
    pairs = []
    for label in np.unique(labels):
        rows = np.flatnonzero(labels == label)
        left, right = np.meshgrid(rows, rows, indexing="ij")
        pairs.append(np.stack([left, right], -1)[left != right])
    pairs = np.concatenate(pairs)
    if len(pairs) == 0:
        raise ValueError(
            "Expected an identity with two probes. "
            f"Received: {len(labels)} probes of as many identities"
        )
    return pairs.T


def _sizes(count):
    """The powers of ten below a count, and it."""
    powers = 10 ** np.arange(1, 10)
    return [*powers[powers < count].tolist(), count]


def _intervals(hits, labels, replicates, seed):
    """The bootstrap's interval of the share of hits, over identities."""
    if not replicates:
        return None
    _, who = np.unique(labels, return_inverse=True)
    tests, found = np.bincount(who), np.bincount(who, hits)
    drawn = np.random.default_rng(seed).integers(
        len(tests), size=(replicates, len(tests))
    )
    shares = found[drawn].sum(axis=1) / tests[drawn].sum(axis=1)
    tail = 100 * (1 - LEVEL) / 2
    edges = np.percentile(shares, [tail, 100 - tail])
    return {
        "level": LEVEL,
        "resampled": "identities",
        "replicates": replicates,
        "rank_1": [float(edge) for edge in edges],
    }
