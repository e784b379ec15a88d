"""Tests of order statistics against sorting."""

import re

import hypothesis
import hypothesis.extra.numpy as numpy_strategies
import numpy as np
import pytest
import tensorflow as tf
from hypothesis import strategies

from unpg_tf import compat
from unpg_tf import ops

INF = float("inf")
ODD = [0.0, -0.0, 1.0, 1.0, -1.0, INF, -INF, 1e-38, -1e-38, 3e38, -3e38, 0.1]


def every_rank(values, among=None):
    values = np.asarray(values)
    among = np.ones_like(values, bool) if among is None else np.asarray(among)
    ranks = range(int(among.sum()))
    return ops.order_statistics(tf.constant(values), tf.constant(among), ranks)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(
    "values",
    [ODD, [2.5], [-2.5, -2.5], np.random.default_rng(0).normal(size=40)],
    ids=["odd", "one", "equal", "many"],
)
def test_every_rank_is_where_sorting_puts_it(values, dtype):
    values = np.asarray(values, dtype)
    found = every_rank(values)
    assert found.dtype == dtype
    np.testing.assert_array_equal(found, np.sort(values))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_masked_elements_take_no_part(dtype):
    rng = np.random.default_rng(1)
    values = rng.normal(size=[6, 7]).astype(dtype)
    among = rng.uniform(size=values.shape) < 0.4
    values[~among] = rng.choice([INF, -INF, np.nan, 0.0], (~among).sum())
    found = every_rank(values, among)
    np.testing.assert_array_equal(found, np.sort(values[among]))


def test_ranks_may_stand_in_any_order_and_be_tensors():
    ranks = [tf.constant(2), 0, tf.constant(2, tf.int64)]
    found = ops.order_statistics(
        tf.constant([0.3, 0.1, 0.2]), [True] * 3, ranks
    )
    np.testing.assert_array_equal(found, np.float32([0.3, 0.1, 0.3]))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_nobody_is_nan(dtype):
    values = tf.constant([1.0, 2.0], dtype)
    assert np.isnan(ops.order_statistics(values, [False, False], [0, 0])).all()


def test_no_gradient_flows():
    values = tf.constant([0.3, 0.1, 0.2])
    with tf.GradientTape() as tape:
        tape.watch(values)
        found = ops.order_statistics(values, [True] * 3, [1])
    assert tape.gradient(found, values) is None


@pytest.mark.parametrize("jit_compile", [False, True])
def test_graphs_give_what_eager_code_gives(jit_compile):
    values = np.float32(ODD)

    @tf.function(jit_compile=jit_compile)
    def found(values):
        among = tf.ones_like(values, tf.bool)
        return ops.order_statistics(values, among, range(len(ODD)))

    expected = every_rank(values)
    np.testing.assert_array_equal(found(values), expected)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_beside_a_gpu_the_search_has_a_known_length(monkeypatch, dtype):
    monkeypatch.setattr(compat, "has_gpu", lambda: True)
    for values in (ODD, np.random.default_rng(6).normal(size=70), [2.5] * 3):
        values = np.asarray(values, dtype)
        np.testing.assert_array_equal(every_rank(values), np.sort(values))
    assert np.isnan(ops.order_statistics(tf.constant(values), [False] * 3, [0]))

    @tf.function(jit_compile=True)
    def found(values):
        return ops.order_statistics(values, tf.ones_like(values, bool), [1])

    code = found.experimental_get_compiler_ir(values)("optimized_hlo")
    # The one loop goes on by its counter alone.
    (name,) = re.findall(r" while\(.*condition=%?([\w.-]+)", code)
    condition = re.search(rf"^%?{name} \((.*?)^}}", code, re.M | re.S)[1]
    assert set(re.findall(r"\), index=(\d+)", condition)) == {"0"}
    assert f"constant({8 * values.itemsize})" in condition


def some_ranks(count):
    return [count - 1, 0, 3 * count // 4, count // 4, count // 2]


def misleading(count):
    # What the sample takes, the first few of so many, lies above the rest.
    values = np.random.default_rng(4).normal(size=count)
    values.reshape(-1, 2**14)[:, :1024] += 10
    return values


@pytest.mark.parametrize(
    "make",
    [
        np.random.default_rng(2).standard_cauchy,
        np.arange,
        lambda count: np.random.default_rng(3).integers(0, 3, count) / 3 - 0.3,
        lambda count: np.full(count, 0.25),
        misleading,
    ],
    ids=["wide", "in order", "tied", "equal", "misleading"],
)
def test_a_million_elements(make):
    values = make(2**20 + 2**14).astype(np.float32)
    among = np.random.default_rng(5).uniform(size=values.size) < 0.9
    found = ops.order_statistics(tf.constant(values), among, some_ranks)
    expected = np.sort(values[among])
    expected = expected[np.array(some_ranks(expected.size))]
    np.testing.assert_array_equal(found, expected)


@hypothesis.settings(deadline=None, derandomize=True, max_examples=25)
@hypothesis.given(
    numpy_strategies.arrays(
        np.float32,
        # What is compiled for each length is the same but for it, and for the
        # number of ranks; the mask leaves any number of elements.
        strategies.sampled_from([1, 7, 12]),
        elements=strategies.floats(width=32, allow_nan=False),
    ),
    strategies.data(),
)
def test_any_numbers_under_any_mask(values, data):
    among = data.draw(numpy_strategies.arrays(bool, values.shape))
    hypothesis.assume(among.any())
    ranks = np.minimum(range(values.size), among.sum() - 1)
    found = ops.order_statistics(
        tf.constant(values), tf.constant(among), list(ranks)
    )
    np.testing.assert_array_equal(found, np.sort(values[among])[ranks])
