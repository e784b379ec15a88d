"""A batch cut in two, so that each of its pairs stands in one place."""

import tensorflow as tf

from unpg_tf.ops.products import product

# Stands in for the row that an odd batch lacks; as a label, for no class.
_NOBODY = -1


def halves_of(rows):
    """Cuts a batch in two of one length, the last row of none where it is odd.

    Args:
        rows: [batch, ...] tensor.

    Returns:
        A tuple of two [half, ...] tensors.
    """
    batch = rows.shape[0] if rows.shape[0] is not None else tf.shape(rows)[0]
    lacking = [[0, batch % 2]] + [[0, 0]] * (rows.shape.rank - 1)
    rows = tf.pad(rows, lacking, constant_values=_NOBODY)
    return tf.split(rows, 2)


def compared(halves, compare):
    """Compares each row of a batch with each other.

    Args:
        halves: Those that `halves_of` gives.
        compare: Of two [half, ...] tensors to [half, half], symmetric.

    Returns:
        A tuple of three [half, half] tensors: the first half with the second,
        the first with itself, and the second with itself.
    """
    first, second = halves
    return (
        compare(first, second),
        compare(first, first),
        compare(second, second),
    )


def folded(across, upper, lower):
    """Lays the three squares of `compared` together, each pair once.

    [0, p, q] is the pair of p in the first half and q in the second. [1, p, q]
    is a pair of the first half above the diagonal, p < q, and one of the
    second half below it and on it.

    Args:
        across: [half, half] tensor.
        upper: [half, half] tensor, symmetric.
        lower: [half, half] tensor, symmetric.

    Returns:
        [2, half, half] tensor. On the diagonal of the second square, and
        where an odd batch has no partner, is no pair.
    """
    return tf.stack([across, tf.where(_is_above(upper), upper, lower)])


def unfolded(squares):
    """Three squares again, each pair of one half in both of its places.

    Args:
        squares: [2, half, half] tensor, as `folded` gives it.

    Returns:
        A tuple of three [half, half] tensors, the last two symmetric to the
        bit, which those that were folded need not be.
    """
    across, within = tf.unstack(squares)
    above, mirrored = _is_above(within), tf.transpose(within)
    return (
        across,
        tf.where(above, within, mirrored),
        tf.where(above, mirrored, within),
    )


def products(left, right):
    """Dot product of every two rows."""
    return product(left, right, transpose_b=True)


def are_two_classes(left, right):
    """Whether two labels are of two classes, and both of somebody."""
    left, right = left[:, tf.newaxis], right[tf.newaxis, :]
    return (left != right) & (left != _NOBODY) & (right != _NOBODY)


def are_one_class(left, right):
    """Whether two labels are of one class."""
    left, right = left[:, tf.newaxis], right[tf.newaxis, :]
    return (left == right) & (left != _NOBODY)


def _is_above(square):
    """Which places are above the diagonal."""
    half = tf.range(tf.shape(square)[0])
    return half[:, tf.newaxis] < half[tf.newaxis, :]
