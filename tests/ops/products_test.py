"""Tests of products whose factors may be in half precision."""

import numpy as np
import pytest
import tensorflow as tf

from unpg_tf import ops

RNG = np.random.default_rng(0)
LEFT = RNG.normal(size=[6, 33]).astype("float32")
RIGHT = RNG.normal(size=[33, 5]).astype("float32")


@pytest.mark.parametrize("dtype", ["bfloat16", "float16"])
@pytest.mark.parametrize("compile_with", ["nothing", "graph", "xla"])
@pytest.mark.parametrize("rows", [6, None])
def test_factors_are_rounded_and_sums_are_not(dtype, compile_with, rows):
    def product(left):
        return ops.product(
            ops.rounded(left, dtype),
            ops.rounded(tf.constant(RIGHT.T), dtype),
            transpose_b=True,
        )

    if compile_with != "nothing":
        product = tf.function(
            product,
            input_signature=[tf.TensorSpec([rows, 33])],
            jit_compile=compile_with == "xla",
        )
    found = product(tf.constant(LEFT))
    assert found.dtype == tf.float32
    left, right = (
        tf.cast(tf.cast(x, dtype), tf.float64) for x in (LEFT, RIGHT)
    )
    np.testing.assert_allclose(found, left @ right, rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_others_are_left_as_they_are(dtype):
    left, right = LEFT.astype(dtype), RIGHT.astype(dtype)
    found = ops.product(
        tf.constant(left.T), ops.rounded(tf.constant(right), None), True
    )
    assert found.dtype == dtype
    np.testing.assert_allclose(found, left @ right, rtol=1e-5, atol=1e-5)
