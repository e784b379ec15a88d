import dataclasses

import numpy as np
import pytest
from tensorflow import keras

from unpg_tf.evaluation import Embedder
from unpg_tf.evaluation import evaluate_pairs
from unpg_tf.evaluation import synthetic_pairs
from unpg_tf.evaluation import verification_report
from unpg_tf.metrics import best_threshold
from unpg_tf.metrics import pair_similarities

SIZE = 16


@pytest.fixture
def embedder():
    model = keras.Sequential(
        [
            keras.Input((SIZE, SIZE, 3)),
            keras.layers.Flatten(),
            keras.layers.Dense(4),
        ]
    )
    return Embedder(model)


def pairs_of(folds, first_identity, name):
    pairs = synthetic_pairs(
        40, SIZE, first_identity=first_identity, folds=folds
    )
    return dataclasses.replace(pairs, name=name)


def similarities_of(embedder, pairs):
    embeddings = embedder(pairs.images)
    return pair_similarities(embeddings, pairs.left, pairs.right)


def test_ten_folds_choose_thresholds_for_each_other(embedder):
    pairs = pairs_of(10, 0, "ten.txt")
    report, similarities = evaluate_pairs(embedder, pairs)
    np.testing.assert_array_equal(
        similarities, similarities_of(embedder, pairs)
    )
    assert report == {
        **verification_report(similarities, pairs.same, pairs.fold),
        "pairs_name": "ten.txt",
        "threshold_source": "the other folds of ten.txt",
        "flip": True,
    }


def test_one_fold_gets_the_threshold_of_other_pairs(embedder, capsys):
    pairs, others = pairs_of(1, 0, "test.txt"), pairs_of(1, 500, "train.txt")
    report, similarities = evaluate_pairs(embedder, pairs, others, verbose=1)
    threshold = best_threshold(similarities_of(embedder, others), others.same)
    assert threshold != best_threshold(similarities, pairs.same)
    assert report == {
        **verification_report(similarities, pairs.same, threshold=threshold),
        "pairs_name": "test.txt",
        "threshold_source": "train.txt",
        "flip": True,
    }
    assert "test.txt: 40 pairs of 80 images" in capsys.readouterr().out


def test_one_fold_alone_is_refused_before_any_work():
    with pytest.raises(ValueError, match="since test.txt has one fold"):
        evaluate_pairs(None, pairs_of(1, 0, "test.txt"))
