import time

import numpy as np
import pytest

from tests.metrics.cases import CASES
from tests.metrics.cases import random_case
from unpg_tf.metrics import accuracy_at
from unpg_tf.metrics import best_threshold
from unpg_tf.metrics import eer
from unpg_tf.metrics import fold_accuracy
from unpg_tf.metrics import pair_similarities
from unpg_tf.metrics import separation
from unpg_tf.metrics import verification


def naive_accuracy(similarities, same, threshold):
    right = 0
    for similarity, kind in zip(similarities, same, strict=True):
        right += (similarity >= threshold) == kind
    return right / len(same)


def naive_best_accuracy(similarities, same):
    candidates = [*similarities, np.inf]
    return max(naive_accuracy(similarities, same, t) for t in candidates)


def test_no_threshold_is_better_than_the_best():
    for similarities, same in CASES:
        threshold = best_threshold(similarities, same)
        accuracy = accuracy_at(similarities, same, threshold)
        assert accuracy == naive_accuracy(similarities, same, threshold)
        assert accuracy == naive_best_accuracy(similarities, same)
        assert np.isfinite(threshold)


@pytest.mark.parametrize(
    "similarities, same, expected",
    [
        ([0.9, 0.5, 0.1], [1, 1, 0], (0.5 + 0.1) / 2),
        # Tied pairs can't be parted: above or below them is equally good.
        ([0.9, 0.5, 0.5, 0.1], [1, 1, 0, 0], (0.9 + 0.5) / 2),
        # Three equally good gaps: the middle one.
        ([0.9, 0.8, 0.6, 0.5, 0.3], [1, 0, 1, 0, 1], (0.6 + 0.5) / 2),
        # Accepting every pair, or none, is best.
        ([0.2, 0.4, 0.6], [1, 1, 0], 0.2),
        ([0.2, 0.4, 0.6], [1, 0, 0], np.nextafter(0.6, 1)),
    ],
)
def test_best_threshold_lies_midway(similarities, same, expected):
    same = np.array(same, bool)
    threshold = best_threshold(np.array(similarities), same)
    assert threshold == pytest.approx(expected, abs=1e-15)


def test_best_threshold_between_neighbouring_floats():
    low = 0.5
    similarities = np.array([np.nextafter(low, 1), low])
    same = np.array([True, False])
    threshold = best_threshold(similarities, same)
    assert accuracy_at(similarities, same, threshold) == 1


def test_fold_accuracy_leaves_the_fold_out():
    similarities, same = random_case(7, pairs=100)
    fold = np.arange(100) % 10 + 3
    # What is right in all other folds is wrong in the last one.
    same = np.where(fold == 12, similarities < 0.4, similarities > 0.4)
    result = fold_accuracy(similarities, same, fold)
    for i, index in enumerate(range(3, 13)):
        others = fold != index
        threshold = best_threshold(similarities[others], same[others])
        assert result.thresholds[i] == threshold
        assert result.accuracies[i] == naive_accuracy(
            similarities[~others], same[~others], threshold
        )
    assert result.accuracies[-1] < 0.2 < 0.8 < result.accuracies[0]


@pytest.mark.parametrize("fold", [np.zeros(60, int), np.arange(59)])
def test_fold_accuracy_refuses_other_folds(fold):
    with pytest.raises(ValueError, match=r"Expected fold of shape \(60,\)"):
        fold_accuracy(*random_case(0), fold)


def test_separation_is_of_the_extremes():
    for similarities, same in CASES:
        parted = separation(similarities, same)
        assert parted.inf_positive == min(similarities[same])
        assert parted.sup_negative == max(similarities[~same])
        assert parted.margin == parted.inf_positive - parted.sup_negative
        assert parted.well_discriminative == (
            accuracy_at(similarities, same, parted.inf_positive) == 1
        )


def test_pair_similarities_are_cosines(monkeypatch):
    monkeypatch.setattr(verification, "_CHUNK", 7)
    rng = np.random.default_rng(3)
    embeddings = rng.normal(size=(20, 5)).astype(np.float32)
    embeddings[4] = 0
    left, right = rng.integers(0, 20, (2, 30))
    left[0] = 4
    done = []
    actual = pair_similarities(embeddings, left, right, done.append)
    assert done == [7, 14, 21, 28, 30]
    for i, (p, q) in enumerate(zip(left, right, strict=True)):
        a, b = embeddings[p].astype(float), embeddings[q].astype(float)
        lengths = np.sqrt(a @ a) * np.sqrt(b @ b)
        expected = a @ b / lengths if lengths else 0
        assert actual[i] == pytest.approx(expected, abs=1e-12)
    assert actual.min() >= -1 and actual.max() <= 1


@pytest.mark.parametrize(
    "embeddings, left, right, message",
    [
        (np.ones((3, 2)), [0, 3], [1, 2], "indices in 0..2. Received: 0..3"),
        (np.ones((3, 2)), [-1], [1], "Received: -1..1"),
        (np.ones((3, 2)), [0, 1], [1], r"\(2,\) and \(1,\)"),
        (np.ones(3), [0], [1], r"\[n, dim\]"),
        (np.array([[1.0], [np.nan]]), [0], [1], "1 of 2 with NaN"),
    ],
)
def test_pair_similarities_refuses(embeddings, left, right, message):
    with pytest.raises(ValueError, match=message):
        pair_similarities(embeddings, left, right)


def test_a_million_pairs_take_seconds():
    similarities, same = random_case(0, pairs=1_000_000)
    start = time.process_time()
    best_threshold(similarities, same)
    eer(similarities, same)
    assert time.process_time() - start < 10
