"""Tests of the sample of classes."""

import numpy as np
import pytest
import tensorflow as tf

from unpg_tf import ops

CLASSES = 100
POSITIVES = np.int32([7, 99, 7, 0])


def sample(rate, seed=0, positives=POSITIVES, num_classes=CLASSES):
    return ops.sampled_classes(
        tf.constant(positives), num_classes, rate, [0, seed]
    ).numpy()


@pytest.mark.parametrize("rate", [0.04, 0.1, 0.101, 0.5, 1.0])
def test_positives_and_a_share_of_the_others(rate):
    found = sample(rate)
    share = np.ceil(rate * CLASSES)
    assert len(found) == min(len(POSITIVES) + share, CLASSES)
    assert set(POSITIVES) <= set(found)
    np.testing.assert_array_equal(found, np.unique(found))


def test_every_class_where_the_rate_is_one():
    np.testing.assert_array_equal(sample(1.0), np.arange(CLASSES))


def test_the_share_is_drawn_beside_many_positives():
    positives = np.arange(20, dtype=np.int32)
    found = sample(0.1, 0, positives)
    np.testing.assert_array_equal(found[:20], positives)
    assert len(found) == 30
    assert len(sample(0.1, 0, np.repeat(positives, 9))) == CLASSES


def test_seeds_draw_samples_of_their_own():
    np.testing.assert_array_equal(sample(0.1, 1), sample(0.1, 1))
    assert set(sample(0.1, 1)) != set(sample(0.1, 2))


def test_every_class_is_drawn_alike():
    draws = np.concatenate([sample(0.2, seed) for seed in range(500)])
    counts = np.delete(np.bincount(draws, minlength=CLASSES), POSITIVES)
    # Of 4 labels two are alike.
    share = 21 / 97
    spread = np.sqrt(500 * share * (1 - share))
    assert abs(counts - 500 * share).max() < 5 * spread


@pytest.mark.parametrize("jit_compile", [False, True])
def test_graphs_draw_what_eager_code_draws(jit_compile):
    @tf.function(jit_compile=jit_compile)
    def drawn(positives):
        return ops.sampled_classes(positives, CLASSES, 0.3, [0, 5])

    np.testing.assert_array_equal(drawn(tf.constant(POSITIVES)), sample(0.3, 5))


@pytest.mark.parametrize("jit_compile", [False, True])
def test_columns_lead_back_to_the_labels(jit_compile):
    classes = sample(0.1)
    columns = tf.function(ops.columns_of, jit_compile=jit_compile)
    found = columns(tf.constant(classes), tf.constant(POSITIVES))
    np.testing.assert_array_equal(classes[found], POSITIVES)
    missing = [c for c in range(-1, CLASSES + 1) if c not in classes]
    found = columns(tf.constant(classes), tf.constant(missing, tf.int32))
    np.testing.assert_array_equal(found, np.full(len(missing), -1))


@pytest.mark.parametrize("jit_compile", [False, True])
def test_those_drawn_stand_for_all_that_they_are_drawn_from(jit_compile):
    weights_of = tf.function(ops.log_weights, jit_compile=jit_compile)
    classes = tf.constant(sample(0.1))
    weights = weights_of(classes, tf.constant(POSITIVES), CLASSES).numpy()
    is_positive = np.isin(classes, POSITIVES)
    np.testing.assert_array_equal(weights[is_positive], 0.0)
    np.testing.assert_allclose(
        weights[~is_positive], np.log(97 / 11), rtol=1e-6
    )


@pytest.mark.parametrize("count", [10, CLASSES])
def test_a_sample_of_positives_alone_stands_for_itself(count):
    classes = tf.range(count)
    weights = ops.log_weights(classes, classes, CLASSES)
    np.testing.assert_array_equal(weights, np.zeros(count))
