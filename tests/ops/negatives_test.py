"""Tests of negative pairs and their noise filter."""

import itertools
import math

import hypothesis
import hypothesis.extra.numpy as numpy_strategies
import numpy as np
import pytest
import tensorflow as tf
from hypothesis import strategies

from tests import oracle
from unpg_tf import ops

INF = float("inf")
# Ascending; with a whisker of 1.5 both ends are those of the filter itself:
# 0.25 - 1.5 * 0.25 and 0.5 + 1.5 * 0.25, without rounding.
EXACT = np.float32([-0.125, 0.0, 0.25, 0.3, 0.35, 0.4, 0.5, 0.875])


def kept(pairs, whisker, negative=None):
    pairs = tf.constant(pairs)
    if negative is None:
        negative = np.ones(pairs.shape, bool)
    negative = tf.constant(negative)
    return ops.kept_negatives(pairs, negative, whisker).numpy()


def pair_at(matrix, p, q, batch):
    """The two rows whose pair stands at [matrix, p, q]."""
    half = (batch + 1) // 2
    if matrix == 0:
        return p, half + q
    return (p, q) if p < q else (half + p, half + q)


@pytest.mark.parametrize("batch", [2, 4, 5, 8, 9])
def test_similarities_are_dot_products(batch):
    e = oracle.unit(np.random.default_rng(0).normal(size=[batch, 3]))
    found = ops.similarities(tf.constant(e)).numpy()
    half = (batch + 1) // 2
    assert found.shape == (2, half, half)
    for place in np.ndindex(*found.shape):
        p, q = pair_at(*place, batch)
        if p != q and max(p, q) < batch:
            np.testing.assert_allclose(found[place], e[p] @ e[q], atol=1e-15)


@pytest.mark.parametrize("batch", [1, 4, 5])
def test_gradients_of_similarities_are_the_numeric_ones(batch):
    e = tf.constant(np.random.default_rng(0).normal(size=[batch, 3]))
    theory, numeric = tf.test.compute_gradient(
        ops.similarities, [e], delta=1e-6
    )
    np.testing.assert_allclose(theory[0], numeric[0], rtol=1e-6, atol=1e-8)


@pytest.mark.parametrize(
    "labels", [[0, 1, 0, 2, 1], [3, 3, 3], [0, 1], [7], [], [4, 0, 1, 0, 2, 0]]
)
def test_pairs_of_two_classes_count_once(labels):
    found = ops.negative_pairs(tf.constant(labels, tf.int32)).numpy()
    half = (len(labels) + 1) // 2
    assert found.shape == (2, half, half)
    pairs = [pair_at(*place, len(labels)) for place in np.argwhere(found)]
    expected = [
        (p, q)
        for p, q in itertools.combinations(range(len(labels)), 2)
        if labels[p] != labels[q]
    ]
    assert sorted(map(tuple, map(sorted, pairs))) == expected


def test_both_ends_are_kept():
    assert kept(EXACT, 1.5).all()


@pytest.mark.parametrize(("position", "way"), [(0, -INF), (-1, INF)])
def test_the_next_number_beyond_either_end_is_dropped(position, way):
    pairs = EXACT.copy()
    pairs[position] = np.nextafter(pairs[position], np.float32(way))
    expected = np.ones_like(pairs, bool)
    expected[position] = False
    np.testing.assert_array_equal(kept(pairs, 1.5), expected)


def test_no_whisker_keeps_what_lies_between_the_quartiles():
    np.testing.assert_array_equal(
        kept(EXACT, 0.0), (EXACT >= 0.25) & (EXACT <= 0.5)
    )


def test_an_infinite_whisker_keeps_every_negative_pair():
    negative = np.array([True, False] * 4)
    np.testing.assert_array_equal(kept(EXACT, INF, negative), negative)


def test_what_is_no_negative_pair_has_no_say():
    rng = np.random.default_rng(0)
    embeddings, labels = rng.normal(size=[12, 4]), rng.integers(0, 4, 12)
    e = tf.constant(oracle.unit(embeddings))
    pairs = ops.similarities(e)
    negative = ops.negative_pairs(tf.constant(labels))
    mask = ops.kept_negatives(pairs, negative, 0.5)
    found = oracle.negatives(embeddings, labels)
    expected = oracle.kept(found, 0.5)
    assert len(expected) < len(found)
    np.testing.assert_allclose(np.sort(pairs[mask]), expected, atol=1e-15)


@pytest.mark.parametrize("whisker", [0.0, 1.5, INF])
def test_no_negative_pair_keeps_none(whisker):
    assert not kept(EXACT, whisker, np.zeros_like(EXACT, bool)).any()


@pytest.mark.parametrize("count", range(1, 10))
def test_quartiles_of_few_pairs(count):
    pairs = np.linspace(0.0, 1.0, count)
    expected = oracle.kept(list(pairs), 0.0)
    np.testing.assert_array_equal(pairs[kept(pairs, 0.0)], expected)


def test_quartiles_are_exact_beyond_what_float32_counts():
    # In float32 this many is one more, and both quarters are rounded up.
    count = 2**24 + 3
    pairs = tf.range(count) - 2**23
    pairs = tf.cast(pairs, tf.float32)
    mask = ops.kept_negatives(pairs, tf.ones_like(pairs, tf.bool), 0.0)
    inside = tf.boolean_mask(pairs, mask)
    assert int(inside[0]) == count // 4 - 2**23
    assert int(inside[-1]) == 3 * count // 4 - 2**23


@hypothesis.settings(deadline=None, derandomize=True, max_examples=25)
@hypothesis.given(
    numpy_strategies.arrays(
        np.float64,
        strategies.integers(1, 30),
        elements=strategies.floats(-1, 1, allow_subnormal=False),
    ),
    strategies.sampled_from([0.0, 0.3, 1.0, 1.5, 4.0]),
)
def test_the_filter_is_the_papers(pairs, whisker):
    expected = oracle.kept(sorted(pairs), whisker)
    np.testing.assert_array_equal(
        np.sort(pairs[kept(pairs, whisker)]), expected
    )


@pytest.mark.parametrize("scale", [1.0, 64.0])
def test_log_mass_is_that_of_the_kept_pairs(scale):
    mask = np.array([True, False] * 4)
    pairs = EXACT.astype(np.float64)
    mass = ops.log_mass(tf.constant(pairs), tf.constant(mask), scale)
    expected = math.log(sum(math.exp(scale * s) for s in pairs[mask]))
    np.testing.assert_allclose(mass, expected, rtol=1e-12)


@pytest.mark.parametrize("jit_compile", [False, True])
def test_millions_of_pairs_lose_no_digits(jit_compile):
    pairs = np.random.default_rng(0).normal(0, 0.05, [2000, 2000])
    mass = tf.function(ops.log_mass, jit_compile=jit_compile)
    found = mass(
        tf.constant(pairs, tf.float32), tf.fill(pairs.shape, True), 8.0
    )
    expected = math.log(np.exp(8.0 * pairs.astype(np.float32)).sum())
    np.testing.assert_allclose(found, expected, rtol=1e-6)


@pytest.mark.parametrize("scale", [64.0, 1e6])
def test_no_kept_pair_has_no_mass_and_no_gradient(scale):
    pairs = tf.constant(EXACT)
    with tf.GradientTape() as tape:
        tape.watch(pairs)
        mass = ops.log_mass(pairs, tf.zeros_like(pairs, tf.bool), scale)
    assert np.isfinite(mass)
    assert mass < -1e29
    np.testing.assert_array_equal(
        tape.gradient(mass, pairs), np.zeros_like(EXACT)
    )


def test_gradients_reach_the_kept_pairs_alone():
    mask = tf.constant([True, False] * 4)
    pairs = tf.constant(EXACT, tf.float64)
    theory, numeric = tf.test.compute_gradient(
        lambda pairs: ops.log_mass(pairs, mask, 8.0), [pairs], delta=1e-6
    )
    np.testing.assert_allclose(theory[0], numeric[0], atol=1e-7)
    np.testing.assert_array_equal(theory[0][0, 1::2], np.zeros(4))
