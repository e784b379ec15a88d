import json

import numpy as np
import pytest

from tests.metrics.cases import random_case
from unpg_tf.evaluation import evaluate_embeddings
from unpg_tf.evaluation import verification_report
from unpg_tf.evaluation import write_report
from unpg_tf.metrics import accuracy_at
from unpg_tf.metrics import auc
from unpg_tf.metrics import eer
from unpg_tf.metrics import fold_accuracy
from unpg_tf.metrics import pair_similarities
from unpg_tf.metrics import tar_at_far
from unpg_tf.metrics import threshold_at_far


def test_one_fold_is_measured_by_the_given_threshold():
    similarities, same = random_case(0, pairs=60)
    report = verification_report(similarities, same, threshold=0.1)
    assert report["accuracy"] == accuracy_at(similarities, same, 0.1)
    assert report["accuracy_std"] is None
    assert report["threshold"] == 0.1
    assert report["folds"] == 1
    assert report["pairs"] == {"total": 60, "same": 20, "different": 40}
    assert report["auc"] == auc(similarities, same)
    assert report["eer"] == eer(similarities, same)
    assert report["tar_at_far"] == {
        "0.1": tar_at_far(similarities, same, [0.1])[0.1],
        "0.01": None,
        "0.001": None,
        "0.0001": None,
    }
    assert report["threshold_at_far"] == {
        "0.1": threshold_at_far(similarities, same, [0.1])[0.1],
        "0.01": None,
        "0.001": None,
        "0.0001": None,
    }
    assert report["inf_positive"] == similarities[same].min()
    assert report["sup_negative"] == similarities[~same].max()
    assert report["well_discriminative"] is False


def test_folds_are_measured_by_each_other():
    similarities, same = random_case(1, pairs=60)
    fold = np.arange(60) % 4
    # The threshold is not read: this one would accept every pair.
    report = verification_report(similarities, same, fold, threshold=-1.0)
    accuracies, thresholds = fold_accuracy(similarities, same, fold)
    mean = sum(accuracies) / 4
    assert report["accuracy"] == pytest.approx(mean)
    spread = np.sqrt(sum((a - mean) ** 2 for a in accuracies) / 4)
    assert report["accuracy_std"] == pytest.approx(spread)
    assert report["threshold"] == pytest.approx(sum(thresholds) / 4)
    assert report["folds"] == 4


def test_parted_pairs_are_well_discriminative():
    same = np.array([True, False])
    report = verification_report(np.array([0.7, 0.3]), same, threshold=0.5)
    assert report["well_discriminative"] is True
    tied = verification_report(np.array([0.7, 0.7]), same, threshold=0.5)
    assert tied["well_discriminative"] is False


def test_one_fold_needs_a_threshold():
    for fold in (None, np.zeros(60, int)):
        with pytest.raises(ValueError, match="Expected a threshold from other"):
            verification_report(*random_case(0), fold)


def test_embeddings_are_measured_by_their_cosines():
    rng = np.random.default_rng(0)
    embeddings = rng.normal(size=(9, 3))
    left, right = rng.integers(0, 9, (2, 20))
    same = np.arange(20) < 10
    assert evaluate_embeddings(
        embeddings, left, right, same, threshold=0.2
    ) == verification_report(
        pair_similarities(embeddings, left, right), same, threshold=0.2
    )


def test_writes_json_that_reads_back(tmp_path):
    report = verification_report(*random_case(0), threshold=0.1)
    path = tmp_path / "runs" / "demo" / "report.json"
    write_report(path, {"auc": 0})
    write_report(path, report)
    assert json.loads(path.read_text()) == report
    assert list(path.parent.iterdir()) == [path]


def test_a_report_that_fails_leaves_the_former_one(tmp_path):
    path = tmp_path / "report.json"
    write_report(path, {"auc": 1})
    with pytest.raises(ValueError, match="JSON compliant"):
        write_report(path, {"auc": float("nan")})
    assert json.loads(path.read_text()) == {"auc": 1}
    assert list(tmp_path.iterdir()) == [path]
