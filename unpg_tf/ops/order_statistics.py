"""Exact order statistics without sorting."""

import math
import typing

import tensorflow as tf

from unpg_tf import compat
from unpg_tf.ops.compiled import compiled

_BITS = {tf.float32: tf.int32, tf.float64: tf.int64}
_FLOATS = {integer: floating for floating, integer in _BITS.items()}

# Elements are counted in columns of 32, 512 abreast: XLA unrolls sums as short
# as that, and they are the ones that it makes vector instructions of.
_BLOCK = (32, 512)

# From so many blocks on, a sample tells where to search: so many of each.
_MANY, _SAMPLED = 64, 256


def order_statistics(values, among, ranks):
    """Finds the elements that would stand at given ranks after sorting.

    Floats are read as integers of the same order. Each answer is closed in
    between two of them by counting how many elements lie below a third: twice
    the one that the counts so far make likely, then the middle. Of many
    elements a sample gives the first two. Integers decide throughout, and a
    bad guess costs time alone: exact, of static shapes, and about ten counts
    for the quartiles of millions (never above 96, or 192 for float64). Where
    there is a GPU it is always the middle, in 32 counts (or 64): a loop whose
    end depends on data would ask the host after each.

    Args:
        values: float32 or float64 tensor of any shape.
        among: bool tensor of the same shape. Which elements take part; fewer
            than 2**31.
        ranks: Sequence of integer scalars, each in [0, number of elements
            that take part), in any order; or a function to such a sequence
            from that number, an int32 scalar.

    Returns:
        [len(ranks)] tensor of the dtype of `values`, without a gradient. NaN
        where no element takes part.

    Example:

    >>> order_statistics(tf.constant([0.3, 0.1, 0.2]), [True] * 3, [1])
    <tf.Tensor: shape=(1,), dtype=float32, numpy=array([0.2], ...)>
    """
    if not callable(ranks):
        ranks = [tf.cast(rank, tf.int32) for rank in ranks]
    selected = _by_halving if compat.has_gpu() else _by_guessing
    selected = compiled(selected, tuple(values.shape))
    return selected(tf.stop_gradient(values), among, ranks)


def _by_halving(values, among, ranks):
    return _selected(_halved, values, among, ranks)


def _by_guessing(values, among, ranks):
    return _selected(_guessed, values, among, ranks)


def _selected(search, values, among, ranks):
    integer = _BITS[values.dtype]
    keys = tf.where(among, _keys_of(values), integer.max)
    blocks = _in_blocks(keys, integer.max)
    count = _count(among)
    ranks = tf.stack(ranks(count) if callable(ranks) else ranks)
    return _values_of(search(blocks, ranks, count))


def _halved(blocks, ranks, count):
    """The keys at these ranks, in a known number of steps."""
    start = _widest(blocks.dtype, ranks, count)
    _, brackets = tf.while_loop(
        lambda step, _: step < 8 * blocks.dtype.size,
        lambda step, brackets: (
            step + 1,
            _narrowed(brackets, ranks, blocks, _middle(brackets)),
        ),
        (tf.constant(0), start),
    )
    return brackets.low


def _guessed(blocks, ranks, count):
    """The keys at these ranks, in as few steps as it takes."""
    guesses = _cosines(blocks.dtype)
    groups = (blocks.shape[0] or 0) // _MANY
    if groups:
        sample = blocks[: groups * _MANY, 0, :_SAMPLED]
        sample = tf.reshape(sample, [-1, *_BLOCK])
        guesses = _guesses(sample, ranks, count)
    return _search(blocks, ranks, count, guesses)


def _cosines(integer):
    """The keys between which those of cosines lie."""
    return tf.unstack(_keys_of(tf.constant([-1.0, 1.0], _FLOATS[integer])))


def _guesses(sample, ranks, count):
    """Keys that most likely lie below and above the answers, by a sample."""
    size = _count(sample < sample.dtype.max)
    places = tf.cast(ranks, tf.float32) / tf.cast(count, tf.float32)
    places *= tf.cast(size, tf.float32)
    # Six standard deviations of a median's rank, as elements may depend.
    reach = 3 * tf.sqrt(tf.cast(size, tf.float32))
    places = tf.concat([places - reach, places + reach], axis=0)
    places = tf.clip_by_value(tf.cast(places, tf.int32), 0, size - 1)
    found = _search(sample, places, size, _cosines(sample.dtype))
    lower, upper = tf.split(found, 2)
    return lower, upper + 1


class _Brackets(typing.NamedTuple):
    """For each rank a key that is at most the answer, and one above it.

    `before` and `until` count the elements below them: before <= rank < until.
    """

    low: tf.Tensor
    high: tf.Tensor
    before: tf.Tensor
    until: tf.Tensor


def _widest(integer, ranks, count):
    nothing = tf.zeros_like(ranks)
    return _Brackets(
        tf.cast(nothing, integer) + integer.min,
        tf.cast(nothing, integer) + integer.max,
        nothing,
        nothing + count,
    )


def _search(blocks, ranks, count, guesses):
    def narrower(step, brackets):
        tried = tf.where(
            step % 3 < 2, _likely(brackets, ranks), _middle(brackets)
        )
        # Here, and not before, lest XLA make the keys anew for each.
        for number, guess in enumerate(guesses):
            tried = tf.where(step == number, guess, tried)
        return step + 1, _narrowed(brackets, ranks, blocks, tried)

    _, brackets = tf.while_loop(
        lambda _, brackets: tf.reduce_any(brackets.low < brackets.high - 1),
        narrower,
        (tf.constant(0), _widest(blocks.dtype, ranks, count)),
    )
    return brackets.low


def _narrowed(brackets, ranks, blocks, tried):
    """Brackets after a count of the elements below the keys tried."""
    below = _counts_below(blocks, tf.unstack(tried))
    is_low = below <= ranks
    return _Brackets(
        tf.where(is_low, tf.maximum(tried, brackets.low), brackets.low),
        tf.where(is_low, brackets.high, tf.minimum(tried, brackets.high)),
        tf.where(is_low, tf.maximum(below, brackets.before), brackets.before),
        tf.where(is_low, brackets.until, tf.minimum(below, brackets.until)),
    )


def _likely(brackets, ranks):
    """Where the answers are, if the elements in between lie evenly."""
    low, high = _values_of(brackets.low), _values_of(brackets.high)
    share = tf.cast(ranks - brackets.before, low.dtype) + 0.5
    share /= tf.cast(brackets.until - brackets.before, low.dtype)
    # Of infinite ends comes any number.
    keys = _keys_of(low + share * (high - low))
    return tf.clip_by_value(keys, brackets.low + 1, brackets.high - 1)


def _middle(brackets):
    # The sum could be beyond the integers.
    both = tf.bitwise.bitwise_and(brackets.low, brackets.high)
    either = tf.bitwise.bitwise_xor(brackets.low, brackets.high)
    return both + tf.bitwise.right_shift(either, tf.ones_like(either))


def _keys_of(values):
    return _flip(tf.bitcast(values, _BITS[values.dtype]))


def _values_of(keys):
    return tf.bitcast(_flip(keys), _FLOATS[keys.dtype])


def _flip(bits):
    # Negative floats grow in the other direction than their bits. Its own
    # inverse.
    flipped = tf.bitwise.bitwise_xor(bits, bits.dtype.max)
    return tf.where(bits < 0, flipped, bits)


def _in_blocks(elements, filling):
    elements = tf.reshape(elements, [-1])
    missing = -tf.size(elements) % math.prod(_BLOCK)
    elements = tf.pad(elements, [[0, missing]], constant_values=filling)
    return tf.reshape(elements, [-1, *_BLOCK])


def _count(among):
    # By float32, which XLA sums faster, and which is exact for so few.
    rows = tf.reshape(_in_blocks(among, False), [-1, math.prod(_BLOCK)])
    sums = tf.reduce_sum(tf.cast(rows, tf.float32), axis=1)
    return tf.reduce_sum(tf.cast(sums, tf.int32))


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
