"""Cosines of unit vectors to class centres."""

import tensorflow as tf

from unpg_tf.ops.checks import expect
from unpg_tf.ops.compiled import compiled
from unpg_tf.ops.products import product
from unpg_tf.ops.unit import ZERO

# The longest sum that XLA unrolls.
_UNROLLED = 32


def cosines_to(centers, units, product_dtype=None):
    """Cosines of unit vectors to class centres of any length.

    First derivatives only.

    Args:
        centers: [num_classes, dim] float tensor, not normalised.
        units: [batch, dim] float tensor of unit vectors.
        product_dtype: "bfloat16" or "float16", to which float32 factors of
            the products are rounded, gradients included; `None` for none.

    Returns:
        [batch, num_classes] float tensor; 0 where a centre is.

    Example:

    >>> cosines_to(tf.constant([[0.0, 2.0]]), tf.constant([[0.6, 0.8]]))
    <tf.Tensor: shape=(1, 1), dtype=float32, numpy=array([[0.8]], ...)>
    """
    expect(
        units.shape[1] == centers.shape[1],
        f"embeddings of dimension {centers.shape[1]}, as the class centres are",
        shape=tuple(units.shape),
    )
    if product_dtype is None:
        return _exact(centers, units)
    return _of_rounded(centers, units, product_dtype)


@tf.custom_gradient
def _exact(centers, units):
    """The centres are never normalised, but the columns of the bare product.

    So neither the value nor the gradient makes a second [num_classes, dim]
    matrix, and one [batch, num_classes] matrix serves both products of the
    gradient.
    """
    inverse = _each_row(_inverse_lengths, centers)
    cosines = inverse * product(units, centers, transpose_b=True)

    def gradient(slopes):
        slopes *= inverse
        to_units = product(slopes, centers)
        to_centers = product(slopes, units, transpose_a=True)
        return _each_row(_across, to_centers, centers, inverse), to_units

    return cosines, gradient


def _of_rounded(centers, units, dtype):
    """The centres are normalised, lest they leave the range of the dtype."""

    @tf.custom_gradient
    def of(centers, units):
        inverse = _each_row(_inverse_lengths, centers)
        directions = tf.cast(inverse[:, tf.newaxis] * centers, dtype)
        rows = tf.cast(units, dtype)

        def gradient(slopes):
            slopes = tf.cast(slopes, dtype)
            to_units = product(slopes, directions)
            to_centers = product(slopes, rows, transpose_a=True)
            to_centers *= inverse[:, tf.newaxis]
            return _each_row(_across, to_centers, centers, inverse), to_units

        return product(rows, directions, transpose_b=True), gradient

    return of(centers, units)


def _each_row(function, *tensors):
    """Reads a matrix once, and writes none but the result's."""
    shapes = [tuple(tensor.shape) for tensor in tensors]
    return compiled(function, *shapes)(*tensors)


def _inverse_lengths(vectors):
    """1 where a vector is zero."""
    # The square of a float32 is within the range of float64.
    squares = _lane_sums(tf.square(tf.cast(vectors, tf.float64)))
    # None is below 0. But two plain sums XLA would make one of.
    lengths = tf.sqrt(tf.reduce_sum(tf.abs(squares), axis=1))
    lengths = tf.where(lengths > ZERO, lengths, 1.0)
    return tf.cast(1.0 / lengths, vectors.dtype)


def _across(slopes, vectors, inverse):
    """Slopes without their part along the vectors.

    A longer vector has the same cosines: only what is across counts.
    """
    inverse = inverse[:, tf.newaxis]
    along = tf.reduce_sum(inverse * _lane_sums(slopes * vectors), axis=1)
    return slopes - along[:, tf.newaxis] * (inverse * vectors)


def _lane_sums(matrix):
    """Sums each row to a few numbers, [rows, lanes].

    A long sum XLA cuts in two, and stores what goes in. These are so short
    that the matrix is computed on the way, with vector instructions.
    """
    columns = matrix.shape[1]
    lengths = range(1, _UNROLLED + 1)
    length = max(n for n in lengths if columns % n == 0)
    in_lanes = tf.reshape(matrix, [-1, length, columns // length])
    return tf.reduce_sum(in_lanes, axis=1)
