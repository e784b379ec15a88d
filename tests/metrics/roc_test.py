import numpy as np
import pytest

from tests.metrics.cases import CASES
from tests.metrics.cases import rates
from tests.metrics.cases import thresholds
from unpg_tf.metrics import auc
from unpg_tf.metrics import eer
from unpg_tf.metrics import roc_curve
from unpg_tf.metrics import tar_at_far
from unpg_tf.metrics import threshold_at_far

PARTED = np.array([0.9, 0.8, 0.2, 0.1]), np.array([True, True, False, False])
REVERSED = PARTED[0], ~PARTED[1]


def test_curve_has_the_rates_of_every_threshold():
    for similarities, same in CASES:
        curve = roc_curve(similarities, same)
        np.testing.assert_array_equal(
            curve.thresholds, thresholds(similarities)
        )
        expected = [rates(similarities, same, t) for t in curve.thresholds]
        np.testing.assert_array_equal(
            np.stack([curve.far, curve.tar], 1), expected
        )
        assert (curve.far[0], curve.tar[0]) == (0, 0)
        assert (curve.far[-1], curve.tar[-1]) == (1, 1)


def test_auc_is_the_chance_that_a_positive_pair_wins():
    for similarities, same in CASES:
        wins = 0.0
        for positive in similarities[same]:
            for negative in similarities[~same]:
                wins += positive > negative
                wins += 0.5 * (positive == negative)
        expected = wins / (sum(same) * sum(~same))
        assert auc(similarities, same) == pytest.approx(expected, abs=1e-15)


def test_eer_is_where_the_curve_meets_the_diagonal():
    for similarities, same in CASES:
        points = [
            rates(similarities, same, t) for t in thresholds(similarities)
        ]
        far, tar = np.array(points).T
        # Walk the polygon in small steps instead of solving for the crossing.
        steps = np.linspace(0, len(far) - 1, 200001)
        far = np.interp(steps, np.arange(len(far)), far)
        tar = np.interp(steps, np.arange(len(tar)), tar)
        nearest = np.argmin(np.abs(1 - tar - far))
        assert eer(similarities, same) == pytest.approx(far[nearest], abs=1e-3)


def test_separate_and_reversed_pairs():
    assert auc(*PARTED) == 1
    assert eer(*PARTED) == 0
    assert auc(*REVERSED) == 0
    assert eer(*REVERSED) == 1


def test_tar_at_far_is_the_best_of_the_allowed_thresholds():
    for similarities, same in CASES:
        for far, tar in tar_at_far(similarities, same, (0.5, 0.4, 0.1)).items():
            points = [
                rates(similarities, same, t) for t in thresholds(similarities)
            ]
            if sum(~same) < 1 / far:
                assert tar is None
            else:
                assert tar == max(b for a, b in points if a <= far)


def test_threshold_at_far_gives_the_tar_and_keeps_to_the_far():
    for similarities, same in CASES:
        fars = (1, 0.5, 0.4, 0.1)
        tars = tar_at_far(similarities, same, fars)
        for far, t in threshold_at_far(similarities, same, fars).items():
            if t is None:
                assert tars[far] is None
            else:
                measured = rates(similarities, same, t)
                assert measured[0] <= far and measured[1] == tars[far]
    assert threshold_at_far(*PARTED, [0.5]) == {0.5: (0.2 + 0.1) / 2}


@pytest.mark.parametrize("negatives, known", [(9, 0), (10, 1), (999, 2)])
def test_too_few_negatives_say_nothing(negatives, known):
    similarities = np.linspace(-1, 1, negatives + 4)
    same = np.arange(negatives + 4) >= negatives
    tars = tar_at_far(similarities, same)
    assert list(tars) == [0.1, 0.01, 0.001, 0.0001]
    assert list(tars.values()) == [1.0] * known + [None] * (4 - known)


def test_a_rate_that_rounds_down_still_allows_its_pairs():
    # 29 of 100 negatives stand above the positive, and 0.29 * 100 < 29.
    assert 0.29 * 100 < 29
    similarities = np.array([0.5] + [0.9] * 29 + [0.1] * 71)
    same = np.arange(101) == 0
    assert tar_at_far(similarities, same, [0.29]) == {0.29: 1.0}
    assert tar_at_far(similarities, same, [0.28]) == {0.28: 0.0}


def test_tied_negatives_are_all_accepted_or_none():
    similarities = np.array([0.9, 0.5, 0.5, 0.5, 0.5, 0.1])
    same = np.array([True, True, False, False, False, False])
    assert tar_at_far(similarities, same, [0.5, 0.75]) == {0.5: 0.5, 0.75: 1}


@pytest.mark.parametrize("far", [0, -0.1, 1.1])
def test_refuses_a_rate_outside_its_range(far):
    with pytest.raises(ValueError, match="Expected false accept rates above"):
        tar_at_far(*PARTED, [far])


@pytest.mark.parametrize(
    "similarities, same, message",
    [
        ([0.1, np.nan, np.nan], [True, False, True], "2 of 3 .* at index 1"),
        ([0.1, np.inf], [True, False], "finite similarities"),
        ([0.1, 0.2], [True, True], "2 of one and 0 of two"),
        ([0.1, 0.2], [False, False], "0 of one and 2 of two"),
        ([0.1, 0.2], [True], "one shape"),
        ([[0.1], [0.2]], [[True], [False]], "one shape"),
        ([0.1, 0.2], [1, 0], "dtype bool"),
    ],
)
def test_refuses_what_it_can_not_measure(similarities, same, message):
    for measure in (roc_curve, auc, eer, tar_at_far):
        with pytest.raises(ValueError, match=message):
            measure(np.array(similarities), np.array(same))
