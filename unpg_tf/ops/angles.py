"""Angles between unit vectors, differentiable up to the poles."""

import tensorflow as tf


def _inside(cosines):
    # Rounding takes a self-cosine beyond 1 in a third of all rows, and the
    # derivative of the arc cosine is infinite at +-1 itself.
    edge = 1.0 - (1e-7 if cosines.dtype == tf.float32 else 1e-15)
    return tf.clip_by_value(cosines, -edge, edge)


def angle_of(cosines):
    """The angle of a cosine, kept strictly inside (0, pi).

    Args:
        cosines: float32 or float64 tensor of any shape.

    Returns:
        Angles in radians, of the same shape. The gradient is finite
        everywhere, and zero where the cosine lay outside (-1, 1).
    """
    return tf.acos(_inside(cosines))


def add_angle(cosines, angle):
    """Cosine after the angle has grown: cos(acos(cosines) + angle).

    Args:
        cosines: float32 or float64 tensor of any shape.
        angle: Radians, a number or a tensor that broadcasts to `cosines`.

    Returns:
        A tensor like `cosines`, with finite gradients everywhere.

    Example:

    >>> add_angle(tf.constant([0.0]), 0.5)  # cos(pi / 2 + 0.5)
    <tf.Tensor: shape=(1,), dtype=float32, numpy=array([-0.47942555], ...)>
    """
    cosines = _inside(cosines)
    angle = tf.convert_to_tensor(angle, cosines.dtype)
    sines = tf.sqrt(1.0 - tf.square(cosines))
    return cosines * tf.cos(angle) - sines * tf.sin(angle)
