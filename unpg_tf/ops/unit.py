"""Directions and lengths of vectors."""

import tensorflow as tf

from unpg_tf.ops.checks import expect

# A vector without an entry beyond this counts as zero: its direction could
# not be differentiated within the range of float32.
ZERO = 1e-30


def unit_vectors(vectors):
    """Splits vectors into their directions and their lengths.

    Each vector is first divided by its largest entry, so that neither huge
    nor tiny entries leave the range of the dtype when they are squared. A
    zero vector has the direction 0 and length 0. Values and gradients are
    finite for every vector whose length is.

    Args:
        vectors: [batch, dim] float tensor.

    Returns:
        A tuple of the [batch, dim] unit vectors and their [batch] lengths.

    Example:

    >>> directions, lengths = unit_vectors(tf.constant([[3.0, 4.0]]))
    >>> directions.numpy(), lengths.numpy()
    (array([[0.6, 0.8]], dtype=float32), array([5.], dtype=float32))
    """
    expect(
        vectors.dtype.is_floating and vectors.shape.rank in (None, 2),
        "embeddings of shape [batch, dim], floats",
        shape=tuple(vectors.shape),
        dtype=vectors.dtype.name,
    )
    largest = tf.maximum(
        tf.reduce_max(vectors, axis=1, keepdims=True),
        -tf.reduce_min(vectors, axis=1, keepdims=True),
    )
    # Constant for the gradient: the direction doesn't depend on it.
    largest = tf.stop_gradient(
        tf.where(largest > ZERO, largest, tf.ones_like(largest))
    )
    scaled = vectors / largest
    squares = tf.reduce_sum(tf.square(scaled), axis=1, keepdims=True)
    is_zero = squares <= 0
    # The square root has no gradient at 0, and `tf.where` doesn't mask the
    # NaN of the branch not taken.
    length = tf.sqrt(tf.where(is_zero, tf.ones_like(squares), squares))
    units = scaled / length
    lengths = tf.where(is_zero, tf.zeros_like(length), length * largest)
    return units, tf.squeeze(lengths, axis=1)
