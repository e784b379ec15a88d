"""Matrix products, of which those in half precision keep their sums."""

import functools

import tensorflow as tf

from unpg_tf import compat
from unpg_tf.ops.checks import expect
from unpg_tf.ops.compiled import compiled


def expect_product_dtype(product_dtype, dtype):
    """Raises a `ValueError` unless factors of this dtype can be rounded to it.

    Args:
        product_dtype: The argument of that name.
        dtype: string, the dtype of what is multiplied.
    """
    expect(
        product_dtype in (None, "bfloat16", "float16"),
        "product_dtype 'bfloat16', 'float16' or None",
        product_dtype=product_dtype,
    )
    expect(
        product_dtype is None or dtype == "float32",
        "product_dtype=None where the dtype isn't float32",
        product_dtype=product_dtype,
        dtype=dtype,
    )


def rounded(tensor, dtype):
    """A factor of products in half precision.

    Args:
        tensor: float tensor.
        dtype: "bfloat16", "float16", or `None` to leave it as it is.

    Returns:
        A tensor like it, of that dtype.
    """
    return tensor if dtype is None else tf.cast(tensor, dtype)


def product(left, right, transpose_a=False, transpose_b=False):
    """The product of two matrices, never in half precision itself.

    Of factors in half precision it is added up in float32, and not rounded:
    a cosine of 8 or 11 bits would be too coarse for a margin. TensorFlow can
    do that by XLA alone, which therefore compiles such a product wherever it
    stands. No gradient flows through it: who calls it has one of its own.

    Args:
        left: [n, k] float tensor ([k, n] where it is transposed).
        right: [k, m] float tensor ([m, k] where it is transposed).
        transpose_a: bool.
        transpose_b: bool.

    Returns:
        [n, m] tensor: float32, or float64 where the factors are.
    """
    if left.dtype not in (tf.bfloat16, tf.float16):
        return tf.matmul(left, right, transpose_a, transpose_b)
    shapes = tuple(left.shape), tuple(right.shape)
    with_sums = compiled(_with_sums(transpose_a, transpose_b), *shapes)
    return with_sums(tf.stop_gradient(left), tf.stop_gradient(right))


@functools.cache
def _with_sums(transpose_a, transpose_b):
    def function(left, right):
        kept = {"output_type": tf.float32} if compat.HAS_XLA else {}
        sums = tf.matmul(left, right, transpose_a, transpose_b, **kept)
        return tf.cast(sums, tf.float32)

    return function
