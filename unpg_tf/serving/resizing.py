"""Resizing by matrix products, which every runtime has."""

import tensorflow as tf


def resize_by_products(images, image_size):
    """Resizes images as `unpg_tf.data.resize` does, up to rounding.

    TensorFlow's operation for the antialiased resize is known to no other
    runtime: not to OpenVINO, ONNX or LiteRT. Along each axis it is a linear
    map, though, [image_size, length], whose rows are triangles around the
    centres of the new pixels. Images of `image_size` keep their pixels: the
    map is the identity then.

    Args:
        images: [n, height, width, 3] uint8 tensor.
        image_size: integer, height and width of the results, in pixels.

    Returns:
        [n, image_size, image_size, 3] uint8 tensor.

    Example:
        >>> resize_by_products(tf.zeros([2, 250, 200, 3], tf.uint8), 112).shape
        TensorShape([2, 112, 112, 3])
    """
    shape = tf.shape(images)
    n, height, width = shape[0], shape[1], shape[2]
    x = tf.reshape(tf.cast(images, tf.float32), [n, height, width * 3])
    x = tf.matmul(_weights(height, image_size), x)
    # Columns to the front, so that the second product is as wide as the first.
    x = tf.reshape(x, [n, image_size, width, 3])
    x = tf.transpose(x, [0, 2, 1, 3])
    x = tf.reshape(x, [n, width, image_size * 3])
    x = tf.matmul(_weights(width, image_size), x)
    x = tf.reshape(x, [n, image_size, image_size, 3])
    return tf.cast(tf.round(tf.transpose(x, [0, 2, 1, 3])), tf.uint8)


def _weights(length, size):
    """[size, length]: how much each old pixel gives to each new one."""
    step = tf.cast(length, tf.float32) / size
    # A new pixel that is larger than an old one is an average over several.
    reach = tf.maximum(step, 1.0)
    old = tf.cast(tf.range(length), tf.float32) + 0.5
    new = (tf.range(size, dtype=tf.float32) + 0.5) * step
    distances = tf.abs(old - new[:, tf.newaxis]) / reach
    weights = tf.maximum(1.0 - distances, 0.0)
    return weights / tf.reduce_sum(weights, axis=1, keepdims=True)
