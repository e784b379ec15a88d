"""Identification against loops over probes, mates and strangers."""

import numpy as np
import pytest

from unpg_tf.metrics import identify_among_distractors
from unpg_tf.metrics import identify_open_set

DIM = 6


def cosine(a, b):
    return a @ b / (np.linalg.norm(a) * np.linalg.norm(b))


def faces(seed, labels, spread=1.0):
    """Embeddings around a centre for each label."""
    rng = np.random.default_rng(seed)
    centers = np.random.default_rng(99).normal(size=(50, DIM))
    return centers[labels] + spread * rng.normal(size=(len(labels), DIM))


def test_open_set_counts_as_a_loop_does():
    gallery_labels = np.array([3, 1, 4, 1, 5, 9, 2])
    labels = np.array([1, 2, 3, 4, 5, 9, 1, 7, 8, 6, 7, 0, 11, 12, 13, 14, 15])
    gallery, probes = faces(0, gallery_labels), faces(1, labels)
    found = identify_open_set(
        probes, labels, gallery, gallery_labels, (1, 2, 5), (0.5, 0.2, 0.01)
    )
    ranks, mates, strangers = [], [], []
    for probe, label in zip(probes, labels, strict=True):
        scores = [cosine(probe, row) for row in gallery]
        own = [s for s, g in zip(scores, gallery_labels) if g == label]  # noqa: B905
        if not own:
            strangers.append(max(scores))
            continue
        others = [s for s, g in zip(scores, gallery_labels) if g != label]  # noqa: B905
        mates.append(max(own))
        ranks.append(1 + sum(other >= max(own) for other in others))
    assert found.report["rank"] == {
        str(k): pytest.approx(np.mean([rank <= k for rank in ranks]))
        for k in (1, 2, 5)
    }
    tpirs = {"0.01": None}
    for fpir in (0.5, 0.2):
        allowed = [
            t
            for t in [*mates, np.inf]
            if np.mean([s >= t for s in strangers]) <= fpir
        ]
        tpirs[str(fpir)] = np.mean([m >= min(allowed) for m in mates])
    assert found.report["tpir_at_fpir"] == pytest.approx(tpirs)
    counts = {"probes": 17, "mated": 7, "unmated": 10, "gallery": 7}
    assert {key: found.report[key] for key in counts} == counts
    np.testing.assert_allclose(found.similarities, mates + strangers, atol=1e-6)
    np.testing.assert_array_equal(found.same, np.arange(17) < 7)


def test_distractors_count_as_a_loop_does():
    labels = np.array([0, 0, 1, 2, 2, 2, 3])
    probes, strangers = faces(2, labels, 0.6), faces(3, np.arange(7, 50), 0.1)
    done = []
    found = identify_among_distractors(
        probes,
        labels,
        strangers,
        (1, 3, 100),
        (0.5, 0.1),
        replicates=50,
        progress=done.append,
    )
    assert done == [10 * 7, 43 * 7]
    ranks, mates = [], []
    for i, probe in enumerate(probes):
        scores = [cosine(probe, stranger) for stranger in strangers]
        for j, other in enumerate(probes):
            if i != j and labels[i] == labels[j]:
                mates.append(cosine(probe, other))
                ranks.append(1 + sum(s >= mates[-1] for s in scores))
    report = found.report
    assert report["mates"] == 2 + 6 and report["distractors"] == 43
    assert report["rank"] == {
        str(k): pytest.approx(np.mean([rank <= k for rank in ranks]))
        for k in (1, 3, 100)
    }
    assert 0 < report["rank"]["1"] < report["rank"]["3"] < 1
    assert list(report["rank_1_at_size"]) == ["10", "43"]
    assert report["rank_1_at_size"]["43"] == report["rank"]["1"]
    assert report["rank_1_at_size"]["10"] >= report["rank"]["1"]
    low, high = report["intervals"]["rank_1"]
    assert low <= report["rank"]["1"] <= high
    highest = [max(cosine(p, s) for s in strangers) for p in probes]
    np.testing.assert_allclose(found.similarities, mates + highest, atol=1e-6)


def test_larger_galleries_hold_the_smaller_ones_and_repeat_by_seed():
    labels = np.repeat(np.arange(5), 3)
    probes, strangers = faces(4, labels), faces(5, np.arange(50).repeat(30))
    first, again, other = (
        identify_among_distractors(
            probes, labels, strangers, sizes=[1, 3, 30, 1500], seed=seed
        ).report
        for seed in (1, 1, 2)
    )
    assert first == again
    shares = list(first["rank_1_at_size"].values())
    assert shares == sorted(shares, reverse=True) and shares[0] > shares[-1]
    assert first["rank_1_at_size"] != other["rank_1_at_size"]
    assert first["rank"] == other["rank"]


def test_a_model_with_one_answer_identifies_none():
    rng = np.random.default_rng(0)
    same_for_all = np.tile(rng.normal(size=512), (300, 1))
    labels = np.repeat(np.arange(5), 4)
    found = identify_among_distractors(
        same_for_all[:20], labels, same_for_all, replicates=0
    ).report
    assert set(found["rank"].values()) == {0.0}
    found = identify_open_set(
        same_for_all[:5], np.arange(5), same_for_all[:3], np.arange(3), [1]
    ).report
    assert found["rank"]["1"] == 0


def test_what_has_no_answer_is_refused():
    eye = np.eye(3)
    with pytest.raises(ValueError, match="an identity with two probes"):
        identify_among_distractors(eye, np.arange(3), eye)
    with pytest.raises(ValueError, match="others. Received: 3 and 0"):
        identify_open_set(eye, np.arange(3), eye, np.arange(3))
    with pytest.raises(ValueError, match="others. Received: 0 and 3"):
        identify_open_set(eye, np.arange(3), eye, np.arange(3) + 5)
