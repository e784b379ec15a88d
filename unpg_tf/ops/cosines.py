"""Cosines of unit vectors to class centres."""

import tensorflow as tf

from unpg_tf.ops.unit import lengths_of


@tf.custom_gradient
def cosines_to(centers, units):
    """Cosines of unit vectors to class centres of any length.

    The centres are never normalised: the columns of the bare product are
    divided by their lengths instead. So neither the value nor the gradient
    makes a second [num_classes, dim] matrix, and one [batch, num_classes]
    matrix serves both products of the gradient. First derivatives only.

    Args:
        centers: [num_classes, dim] float tensor, not normalised.
        units: [batch, dim] float tensor of unit vectors.

    Returns:
        [batch, num_classes] float tensor; 0 where a centre is.

    Example:

    >>> cosines_to(tf.constant([[0.0, 2.0]]), tf.constant([[0.6, 0.8]]))
    <tf.Tensor: shape=(1, 1), dtype=float32, numpy=array([[0.8]], ...)>
    """
    lengths = lengths_of(centers)
    inverse = 1.0 / tf.where(lengths > 0, lengths, tf.ones_like(lengths))
    cosines = inverse * tf.matmul(units, centers, transpose_b=True)

    def gradient(slopes):
        slopes *= inverse
        to_units = tf.matmul(slopes, centers)
        to_centers = tf.matmul(slopes, units, transpose_a=True)
        # A longer centre has the same cosines: only what is across counts.
        along = inverse * tf.reduce_sum(to_centers * centers, axis=1)
        along = (along * inverse)[:, tf.newaxis]
        return to_centers - along * centers, to_units

    return cosines, gradient
