"""Exact order statistics without sorting."""

import functools
import math

import tensorflow as tf

from unpg_tf import compat

_BITS = {tf.float32: tf.int32, tf.float64: tf.int64}

# Elements are counted in columns of 32, 512 abreast: XLA unrolls sums as short
# as that, and they are the ones that it makes vector instructions of.
_BLOCK = (32, 512)


def order_statistics(values, among, ranks):
    """Finds the elements that would stand at given ranks after sorting.

    Floats are read as integers of the same order, and each answer is found
    bit by bit, from the highest: a bit is set if no more than `rank` elements
    lie below. That is one count over the elements for each bit (32 or 64 of
    them) and for every two ranks, in integer arithmetic throughout, with
    static shapes: exact, and linear in the number of elements.

    Args:
        values: float32 or float64 tensor of any shape.
        among: bool tensor of the same shape. Which elements take part; fewer
            than 2**31.
        ranks: Sequence of integer scalars, each in [0, number of elements
            that take part), in any order.

    Returns:
        [len(ranks)] tensor of the dtype of `values`, without a gradient. NaN
        where no element takes part.

    Example:

    >>> order_statistics(tf.constant([0.3, 0.1, 0.2]), [True] * 3, [1])
    <tf.Tensor: shape=(1,), dtype=float32, numpy=array([0.2], ...)>
    """
    ranks = [tf.cast(rank, tf.int32) for rank in ranks]
    selected = _compiled(tuple(values.shape))
    return selected(tf.stop_gradient(values), among, ranks)


@functools.cache
def _compiled(shape):
    """The selection, compiled by XLA also in a step that isn't.

    One function for each static shape: a `tf.function` would rather take one
    that it has traced for an unknown shape.
    """
    del shape
    return tf.function(_selected, jit_compile=compat.HAS_XLA, autograph=False)


def _selected(values, among, ranks):
    ranks = tf.stack(ranks)
    integer = _BITS[values.dtype]
    keys = tf.where(among, _ordered_bits(values, integer), integer.max)
    blocks = _in_blocks(keys, integer.max)

    def set_bit(bit, found):
        # The sum wraps around for the highest bit, as it should: the search
        # starts at the smallest integer.
        tried = found + tf.bitwise.left_shift(tf.constant(1, integer), bit)
        below = _counts_below(blocks, tf.unstack(tried))
        return bit - 1, tf.where(below <= ranks, tried, found)

    start = tf.fill(tf.shape(ranks), tf.constant(integer.min, integer))
    top_bit = tf.constant(integer.size * 8 - 1, integer)
    _, found = tf.while_loop(
        lambda bit, found: bit >= 0,
        set_bit,
        (top_bit, tf.ensure_shape(start, ranks.shape)),
        maximum_iterations=integer.size * 8,
    )
    return tf.bitcast(_flip(found, integer), values.dtype)


def _ordered_bits(values, integer):
    return _flip(tf.bitcast(values, integer), integer)


def _flip(bits, integer):
    # Negative floats grow in the other direction than their bits. Its own
    # inverse.
    return tf.where(bits < 0, tf.bitwise.bitwise_xor(bits, integer.max), bits)


def _in_blocks(keys, filling):
    keys = tf.reshape(keys, [-1])
    missing = -tf.size(keys) % math.prod(_BLOCK)
    keys = tf.pad(keys, [[0, missing]], constant_values=filling)
    return tf.reshape(keys, [-1, *_BLOCK])


def _counts_below(blocks, bounds):
    """How many keys lie below each bound, [len(bounds)] int32."""
    counts = []
    seconds = bounds[1::2] + bounds[-1:]
    for first, second in zip(bounds[::2], seconds, strict=False):
        # Two counts share an int32, and thus one pass over memory.
        in_low_bits = tf.cast(blocks < first, tf.int32)
        in_high_bits = (1 << 16) * tf.cast(blocks < second, tf.int32)
        packed = tf.reduce_sum(in_low_bits + in_high_bits, axis=1)
        counts.append(tf.bitwise.bitwise_and(packed, (1 << 16) - 1))
        counts.append(tf.bitwise.right_shift(packed, 16))
    return tf.reduce_sum(tf.stack(counts[: len(bounds)]), axis=[1, 2])
