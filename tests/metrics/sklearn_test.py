"""The measures beside scikit-learn's, which knows nothing of ours."""

import numpy as np
import pytest
from sklearn import metrics
from sklearn.exceptions import UndefinedMetricWarning
from sklearn.model_selection import KFold

from tests.metrics.cases import CASES
from tests.metrics.cases import random_case
from unpg_tf.evaluation import verification_report
from unpg_tf.metrics import auc
from unpg_tf.metrics import eer
from unpg_tf.metrics import roc_curve
from unpg_tf.metrics import tar_at_far

LARGE = [random_case(7, 20_000), random_case(8, 20_000, values=50)]


@pytest.mark.parametrize("similarities, same", [*CASES, *LARGE])
def test_the_curve_and_its_area(similarities, same):
    far, tar, thresholds = metrics.roc_curve(
        same, similarities, drop_intermediate=False
    )
    ours = roc_curve(similarities, same)
    np.testing.assert_allclose(ours.far, far)
    np.testing.assert_allclose(ours.tar, tar)
    # The first is infinite, or the highest and 1 in older releases.
    np.testing.assert_array_equal(ours.thresholds[1:], thresholds[1:])
    area = metrics.roc_auc_score(same, similarities)
    assert auc(similarities, same) == pytest.approx(area, abs=1e-12)


@pytest.mark.parametrize("similarities, same", LARGE)
def test_tar_at_far_and_eer_read_off_its_curve(similarities, same):
    far, tar, _ = metrics.roc_curve(same, similarities)
    found = tar_at_far(similarities, same, [0.1, 0.01, 0.001])
    for limit, value in found.items():
        assert value == tar[far <= limit].max()
    error = eer(similarities, same)
    crossing = np.interp(error, far, tar)
    assert 1 - crossing == pytest.approx(error, abs=1e-9)


@pytest.mark.parametrize("similarities, same", LARGE)
def test_ten_folds_are_those_of_kfold(similarities, same):
    fold = np.empty(len(same), int)
    correct = []
    splits = KFold(10).split(same)
    for number, (others, held) in enumerate(splits):
        fold[held] = number
        far, tar, thresholds = metrics.roc_curve(
            same[others], similarities[others], drop_intermediate=False
        )
        right = tar * same[others].sum() + (1 - far) * (~same[others]).sum()
        # The best thresholds reject what lies below and accept themselves.
        best = thresholds[np.isclose(right, right.max())]
        shares = [
            np.mean((similarities[held] >= t) == same[held]) for t in best
        ]
        correct.append((min(shares), max(shares)))
    report = verification_report(similarities, same, fold, replicates=0)
    low, high = np.mean(correct, axis=0)
    # Ours lies midway to the next similarity: a held pair may lie between.
    assert low - 1e-3 <= report["accuracy"] <= high + 1e-3


def test_fewer_negatives_than_one_by_far_say_nothing():
    similarities, same = random_case(3, 60)
    assert (~same).sum() == 40
    found = tar_at_far(similarities, same, [0.025, 0.0249])
    assert found[0.025] is not None and found[0.0249] is None


@pytest.mark.parametrize("kind", [True, False])
def test_one_class_only_is_refused_where_scikit_learn_warns(kind):
    similarities, same = np.array([0.1, 0.2]), np.array([kind, kind])
    with pytest.warns(UndefinedMetricWarning):
        metrics.roc_curve(same, similarities)
    with pytest.raises(ValueError, match="one identity and pairs of two"):
        roc_curve(similarities, same)
