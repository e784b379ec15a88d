"""What is watched in a training, beside the oracle's loops over floats."""

import math

import numpy as np
import pytest
import tensorflow as tf

from tests import heads
from tests import oracle
from unpg_tf import ops

ROWS, DIM, CLASSES, SCALE = 13, 4, 5, 16.0
EMBEDDINGS, LABELS, CENTERS = heads.batch(ROWS, DIM, CLASSES)
COSINES = oracle.cosines_of(EMBEDDINGS, CENTERS)
NEGATIVES = oracle.negatives(EMBEDDINGS, LABELS)
INF = float("inf")


def pairs_of(labels=LABELS, dtype="float64"):
    units, _ = ops.unit_vectors(tf.constant(EMBEDDINGS, dtype))
    return ops.similarities(units), ops.negative_pairs(tf.constant(labels))


def check(found, **expected):
    found = {name: value.numpy() for name, value in found.items()}
    assert found == pytest.approx(expected, abs=1e-12)


def test_pairs_of_two_classes():
    check(
        ops.pair_statistics(*pairs_of()),
        negative_mean=np.mean(NEGATIVES),
        negative_std=np.std(NEGATIVES),
    )


def test_separation_is_of_images_and_centres():
    targets = COSINES[np.arange(ROWS), LABELS]
    others = [
        cosine
        for row, label in zip(COSINES, LABELS, strict=True)
        for column, cosine in enumerate(row)
        if column != label
    ]
    for raised in (0.0, 0.5):  # Of the images' pairs, which then lie above.
        pairs, negative = pairs_of()
        check(
            ops.separation_statistics(
                pairs + raised,
                negative,
                tf.constant(COSINES),
                tf.constant(LABELS),
                tf.constant(targets),
            ),
            inf_positive=min(targets),
            sup_negative=max(*others, max(NEGATIVES) + raised),
        )


@pytest.mark.parametrize("whisker", [0.0, 0.3, 1.5, INF])
@pytest.mark.parametrize(
    ("pair_weight", "max_pair_share"), [(1.0, 1.0), (0.1, 1.0), (1.0, 0.4)]
)
def test_the_pairs_weigh_what_they_do_in_the_loss(
    whisker, pair_weight, max_pair_share
):
    kept = oracle.kept(NEGATIVES, whisker)
    mass = pair_weight * sum(math.exp(SCALE * s) for s in kept)
    shares = [
        mass / (mass + sum(math.exp(SCALE * cosine) for cosine in row))
        for row in COSINES
    ]
    is_bounded = [share > max_pair_share for share in shares]
    assert (0 < sum(is_bounded) < ROWS) == (max_pair_share < 1)
    low, high = -1.0, 1.0
    if whisker < INF:
        count = len(NEGATIVES)
        q1, q3 = NEGATIVES[count // 4], NEGATIVES[3 * count // 4]
        low = max(low, q1 - whisker * (q3 - q1))
        high = min(high, q3 + whisker * (q3 - q1))
    check(
        ops.unpg_statistics(
            *pairs_of(),
            tf.constant(COSINES),
            SCALE,
            whisker,
            pair_weight,
            max_pair_share,
        ),
        kept_share=len(kept) / len(NEGATIVES),
        whisker_low=low,
        whisker_high=high,
        unpg_share=np.mean(np.minimum(shares, max_pair_share)),
        bounded_share=np.mean(is_bounded),
    )


def test_the_target_ratio_bounds_what_pairs_weigh():
    kept = oracle.kept(NEGATIVES, 1.5)
    mass = sum(math.exp(SCALE * s) for s in kept)
    classes = [sum(math.exp(SCALE * c) for c in row) for row in COSINES]
    own = [
        math.exp(SCALE * row[label])
        for row, label in zip(COSINES, LABELS, strict=True)
    ]
    ratio = mass / np.median(own)
    counted = np.minimum(mass, ratio * np.array(own))
    found = ops.unpg_statistics(
        *pairs_of(),
        tf.constant(COSINES),
        SCALE,
        1.5,
        max_target_ratio=ratio,
        labels=tf.constant(LABELS),
    )
    expected = np.mean(counted / (counted + classes))
    assert float(found["unpg_share"]) == pytest.approx(expected)
    bounded = np.mean(counted < mass)
    assert 0 < bounded < 1
    assert float(found["bounded_share"]) == pytest.approx(bounded)
    wrong = ops.softmax_statistics(
        tf.constant(COSINES), tf.constant(LABELS), SCALE
    )
    expected = 1 - np.mean(np.array(own) / classes)
    assert float(wrong["wrong_share"]) == pytest.approx(expected)


@pytest.mark.parametrize("whisker", [1.5, INF])
def test_one_class_has_no_pairs(whisker):
    pairs, negative = pairs_of(np.zeros_like(LABELS))
    of_pairs = ops.pair_statistics(pairs, negative)
    check(of_pairs, negative_mean=0, negative_std=0)
    found = ops.unpg_statistics(
        pairs, negative, tf.constant(COSINES), SCALE, whisker
    )
    assert (found["kept_share"], found["unpg_share"]) == (0.0, 0.0)


def test_embeddings_that_are_no_numbers_have_no_kept_share():
    pairs, negative = pairs_of()
    found = ops.unpg_statistics(
        pairs * float("nan"), negative, tf.constant(COSINES), SCALE, 1.5
    )
    assert found["kept_share"] == 0.0


def test_centres_are_compared_with_each_other():
    cosines = oracle.cosines_of(CENTERS, CENTERS)
    found = [cosines[i][j] for i in range(CLASSES) for j in range(i)]
    check(
        ops.center_statistics(tf.constant(CENTERS)),
        center_mean=np.mean(found),
        center_max=max(found),
    )


def test_one_centre_has_no_other():
    check(
        ops.center_statistics(tf.constant(CENTERS[:1])),
        center_mean=0.0,
        center_max=-1.0,
    )


@pytest.mark.parametrize(("classes", "limit", "stride"), [(7, 3, 3), (8, 4, 2)])
def test_some_centres_stand_for_many(classes, limit, stride):
    centers = np.random.default_rng(0).normal(size=[classes, DIM])
    check(
        ops.center_statistics(tf.constant(centers), limit),
        **{
            name: value.numpy()
            for name, value in ops.center_statistics(
                tf.constant(centers[::stride])
            ).items()
        },
    )


def test_the_target_ratio_asks_for_labels():
    with pytest.raises(ValueError, match="Expected labels with a max_target"):
        ops.unpg_statistics(
            *pairs_of(), tf.constant(COSINES), SCALE, 1.5, max_target_ratio=2.0
        )
