"""Tests of the negative pairs' mass against its parts, one after the other."""

import math

import numpy as np
import pytest
import tensorflow as tf

from tests import oracle
from unpg_tf import ops
from unpg_tf.ops import halves

INF = float("inf")


def batch_of(rows, dtype="float64", dim=3, classes=4):
    rng = np.random.default_rng(rows)
    embeddings = rng.normal(size=[rows, dim])
    embeddings /= np.linalg.norm(embeddings, axis=1, keepdims=True)
    labels = rng.integers(0, classes, rows).astype("int32")
    return tf.constant(embeddings, dtype), tf.constant(labels)


def by_parts(embeddings, labels, whisker, scale):
    pairs, negative = ops.similarities(embeddings), ops.negative_pairs(labels)
    kept = ops.kept_negatives(pairs, negative, whisker)
    return ops.log_mass(pairs, kept, scale)


def mass_and_slopes(function, embeddings, *arguments):
    with tf.GradientTape() as tape:
        tape.watch(embeddings)
        mass = function(embeddings, *arguments)
    return mass, tape.gradient(mass, embeddings)


@pytest.mark.parametrize("rows", [2, 7, 12])
@pytest.mark.parametrize("whisker", [0.0, 0.5, INF])
def test_it_is_that_of_its_parts(rows, whisker):
    arguments = (*batch_of(rows), whisker, 16.0)
    found = mass_and_slopes(ops.negative_mass, *arguments)
    expected = mass_and_slopes(by_parts, *arguments)
    for here, there in zip(found, expected, strict=True):
        np.testing.assert_allclose(here, there, rtol=1e-12, atol=1e-12)


def test_it_is_that_of_a_loop():
    embeddings, labels = batch_of(9)
    found = ops.negative_mass(embeddings, labels, 0.5, 8.0)
    kept = oracle.kept(oracle.negatives(embeddings.numpy(), labels), 0.5)
    expected = math.log(sum(math.exp(8.0 * s) for s in kept))
    np.testing.assert_allclose(found, expected, rtol=1e-12)


@pytest.mark.parametrize("rows", [5, 8])
def test_gradients_are_the_numeric_ones(rows):
    embeddings, labels = batch_of(rows)
    theory, numeric = tf.test.compute_gradient(
        lambda x: ops.negative_mass(x, labels, INF, 4.0),
        [embeddings],
        delta=1e-6,
    )
    np.testing.assert_allclose(theory[0], numeric[0], rtol=1e-6, atol=1e-8)


@pytest.mark.parametrize("rows", [0, 1, 6])
@pytest.mark.parametrize("whisker", [1.5, INF])
def test_nothing_without_a_negative_pair(rows, whisker):
    embeddings, _ = batch_of(rows, "float32")
    mass, slopes = mass_and_slopes(
        ops.negative_mass, embeddings, tf.zeros([rows], tf.int32), whisker, 1e6
    )
    assert np.isfinite(mass)
    assert mass < -1e29
    np.testing.assert_array_equal(slopes, np.zeros([rows, 3]))


def test_two_millions_of_pairs_lose_no_digits():
    # Large enough for XLA to sum otherwise. With no whisker the quartiles
    # themselves are kept: to a bit the same pair for both of its members.
    embeddings, labels = batch_of(2100, "float32", dim=64, classes=300)
    expected = mass_and_slopes(
        by_parts, tf.cast(embeddings, tf.float64), labels, 0.0, 64.0
    )
    for jit_compile in (False, True):
        mass = tf.function(ops.negative_mass, jit_compile=jit_compile)
        found = mass_and_slopes(mass, embeddings, labels, 0.0, 64.0)
        np.testing.assert_allclose(found[0], expected[0], rtol=1e-5)
        np.testing.assert_allclose(
            found[1], expected[1], atol=1e-4 * np.max(expected[1]), rtol=0
        )


@pytest.mark.parametrize("jit_compile", [False, True])
@pytest.mark.parametrize("whisker", [0.0, 0.5, INF])
@pytest.mark.parametrize(("rows", "dim"), [(5, 3), (33, 100), (300, 256)])
def test_a_pair_is_one_number_for_both_members(
    monkeypatch, rows, dim, whisker, jit_compile
):
    # Also where the two sides of a product's diagonal differ, as some
    # processors' do in the last digit, and here by more.
    def skewed(left, right):
        product = tf.matmul(left, right, transpose_b=True)
        return product + 0.01 * skew(product) if left is right else product

    monkeypatch.setattr(halves, "products", skewed)
    arguments = (*batch_of(rows, dim=dim), whisker, 16.0)
    mass = tf.function(ops.negative_mass, jit_compile=jit_compile)
    found = mass_and_slopes(mass, *arguments)
    expected = mass_and_slopes(by_parts, *arguments)
    assert expected[0] > -1e29
    for here, there in zip(found, expected, strict=True):
        np.testing.assert_allclose(here, there, rtol=1e-9, atol=1e-9)


def skew(square):
    """1 above the diagonal, -1 below it."""
    signs = np.sign(np.subtract.outer(*[-np.arange(square.shape[0])] * 2))
    return tf.constant(signs, square.dtype)


@pytest.mark.parametrize("rows", [7, 12])
@pytest.mark.parametrize(
    ("dtype", "precision"), [("bfloat16", 2**-8), ("float16", 2**-11)]
)
def test_rounded_factors_change_little(rows, dtype, precision):
    arguments = (*batch_of(rows, "float32", dim=16), INF, 8.0)
    expected = mass_and_slopes(ops.negative_mass, *arguments)
    found = mass_and_slopes(ops.negative_mass, *arguments, dtype)
    assert found[0].dtype == found[1].dtype == tf.float32
    assert 0 < abs(found[0] - expected[0]) < 8.0 * precision
    difference = np.abs(found[1] - expected[1]).max()
    assert 0 < difference < 16 * precision * np.abs(expected[1]).max()


def test_the_filter_sees_what_the_rounded_factors_give():
    embeddings, labels = batch_of(40, "float32", dim=16)
    rounded = tf.cast(tf.cast(embeddings, tf.bfloat16), tf.float32)
    np.testing.assert_allclose(
        ops.negative_mass(embeddings, labels, 0.5, 8.0, "bfloat16"),
        ops.negative_mass(rounded, labels, 0.5, 8.0),
        rtol=1e-6,
    )
