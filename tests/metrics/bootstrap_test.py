"""Intervals against naive draws, pair by pair and person by person."""

import numpy as np
import pytest

from tests.metrics.cases import CASES
from tests.metrics.cases import random_case
from unpg_tf.metrics import auc
from unpg_tf.metrics import bootstrap_intervals
from unpg_tf.metrics import difference_intervals
from unpg_tf.metrics import eer
from unpg_tf.metrics import tar_at_far

DRAWS = 3000


def edges(values):
    return np.percentile(np.array(values), [2.5, 97.5])


def naive(rows_of, similarities, same, correct):
    """Intervals by measuring the drawn pairs themselves."""
    drawn = [rows_of() for _ in range(DRAWS)]
    drawn = [rows for rows in drawn if len(set(same[rows])) == 2]
    cases = [(similarities[rows], same[rows]) for rows in drawn]
    return {
        "auc": edges([auc(*case) for case in cases]),
        "eer": edges([eer(*case) for case in cases]),
        "tar": edges([tar_at_far(*case, [0.2])[0.2] for case in cases]),
        "accuracy": edges([correct[rows].mean() for rows in drawn]),
    }


def assert_alike(actual, expected):
    # 3,000 draws each: the edges of 60 pairs differ by chance.
    tars = actual["tar_at_far"]["0.2"]
    np.testing.assert_allclose(actual["auc"], expected["auc"], atol=0.02)
    np.testing.assert_allclose(actual["eer"], expected["eer"], atol=0.03)
    np.testing.assert_allclose(tars, expected["tar"], atol=0.06)
    np.testing.assert_allclose(
        actual["accuracy"], expected["accuracy"], atol=0.02
    )


@pytest.mark.parametrize("values", [None, 4])
def test_drawn_pairs_give_the_interval_of_a_naive_bootstrap(values):
    similarities, same = random_case(1, values=values)
    correct = (similarities > 0.2) == same
    kinds = np.flatnonzero(same), np.flatnonzero(~same)
    rng = np.random.default_rng(5)
    expected = naive(
        lambda: np.concatenate([rng.choice(k, len(k)) for k in kinds]),
        similarities,
        same,
        correct,
    )
    actual = bootstrap_intervals(
        similarities, same, [0.2], correct, replicates=DRAWS
    )
    assert actual["resampled"] == "pairs"
    assert_alike(actual, expected)


def test_drawn_identities_bring_all_their_pairs():
    rng = np.random.default_rng(2)
    people = rng.integers(0, 9, (120, 2))
    people[::3, 1] = people[::3, 0]
    same = people[:, 0] == people[:, 1]
    # Who it is decides much: pairs are no independent draws.
    similarities = 0.3 * same + 0.1 * (people % 3).sum(1)
    similarities = similarities + rng.normal(0, 0.1, 120)
    correct = (similarities > 0.3) == same

    def rows_of():
        drawn = rng.integers(9, size=9)
        rows = []
        for row, (left, right) in enumerate(people):
            times = np.sum(drawn == left)
            rows += [row] * (
                times if left == right else times * np.sum(drawn == right)
            )
        return np.array(rows, int)

    expected = naive(rows_of, similarities, same, correct)
    actual = bootstrap_intervals(
        similarities, same, [0.2], correct, 10 * people, DRAWS
    )
    assert actual["resampled"] == "identities"
    assert_alike(actual, expected)
    pairs = bootstrap_intervals(similarities, same, replicates=DRAWS)
    assert np.ptp(actual["auc"]) > np.ptp(pairs["auc"])


def test_intervals_hold_what_was_measured_and_repeat_by_seed():
    for similarities, same in CASES:
        first, again, other = (
            bootstrap_intervals(
                similarities, same, [0.5], replicates=200, seed=seed
            )
            for seed in (1, 1, 2)
        )
        assert first == again
        low, high = first["auc"]
        assert low - 1e-9 <= auc(similarities, same) <= high + 1e-9
        assert first["accuracy"] is None
    assert first == other  # all similarities are equal there
    assert bootstrap_intervals(*CASES[0]) != bootstrap_intervals(
        *CASES[0], seed=3
    )


def test_too_few_negatives_have_no_interval():
    done = []
    intervals = bootstrap_intervals(
        *random_case(0), replicates=20, progress=done.append
    )
    assert done == list(range(1, 21))
    tars = intervals["tar_at_far"]
    assert list(tars) == ["0.1", "0.01", "0.001", "0.0001"]
    assert tars["0.1"] and tars["0.01"] is None and tars["0.0001"] is None


def test_one_kind_alone_is_refused():
    with pytest.raises(ValueError, match="3 of one and 0 of two"):
        bootstrap_intervals(np.array([0.1, 0.2, 0.3]), np.ones(3, bool))


def case_of_two_models():
    """Similarities of two models that find the same people hard."""
    rng = np.random.default_rng(3)
    people = rng.integers(0, 12, (200, 2))
    people[::2, 1] = people[::2, 0]
    same = people[:, 0] == people[:, 1]
    hard = 0.15 * (people % 4).sum(1)
    worse = 0.3 * same + hard + rng.normal(0, 0.1, 200)
    better = 0.4 * same + hard + rng.normal(0, 0.1, 200)
    return better, worse, same, people


def test_differences_are_those_of_the_same_draws():
    better, worse, same, people = case_of_two_models()
    rng = np.random.default_rng(5)
    changes = []
    while len(changes) < 800:
        times = np.bincount(rng.integers(12, size=12), minlength=12)
        left, right = times[people.T]
        rows = np.repeat(np.arange(200), np.where(same, left, left * right))
        if len(set(same[rows])) == 2:
            ours, theirs = (auc(s[rows], same[rows]) for s in (better, worse))
            changes.append(ours - theirs)
    found = difference_intervals(
        better, worse, same, people, [0.1, 0.0001], replicates=800
    )
    np.testing.assert_allclose(found["auc"], edges(changes), atol=0.015)
    assert found["tar_at_far"]["0.0001"] is None
    assert found["resampled"] == "identities" and found["accuracy"] is None
    # Narrower than what each model varies by.
    alone = bootstrap_intervals(better, same, identities=people, replicates=800)
    assert np.ptp(found["auc"]) < np.ptp(alone["auc"])
    turned = difference_intervals(
        worse, better, same, people, [0.1], replicates=800
    )
    np.testing.assert_allclose(turned["auc"], [-x for x in found["auc"][::-1]])


def test_a_model_differs_from_itself_in_nothing():
    better, _, same, people = case_of_two_models()
    found = difference_intervals(better, 2 * better, same, people, [0.1], 50)
    assert found["auc"] == found["eer"] == [0.0, 0.0]
    assert found["tar_at_far"] == {"0.1": [0.0, 0.0]}


def test_differences_need_to_know_who_is_in_a_pair():
    better, worse, same, people = case_of_two_models()
    with pytest.raises(ValueError, match=r"identities of shape \[pairs, 2\]"):
        difference_intervals(better, worse, same, people[:, 0])
