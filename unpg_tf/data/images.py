"""The one decoder of image files: training, evaluation, export."""

import tensorflow as tf


def decode_image(contents, image_size):
    """Decodes a JPEG, PNG, BMP or GIF file to a square RGB image.

    Grey images get three equal channels and an alpha channel is dropped. An
    image of another size is resized, bilinear and antialiased; an image of
    `image_size` keeps its pixels as they are. TensorFlow operations only, so
    that it works alike in tf.data, in `tf.function` and in a SavedModel.

    Args:
        contents: scalar string tensor, the bytes of the file.
        image_size: integer, height and width of the result, in pixels.

    Returns:
        [image_size, image_size, 3] uint8 tensor, RGB.

    Raises:
        tf.errors.InvalidArgumentError: the bytes aren't those of an image.

    Example:
        >>> contents = tf.io.read_file("Ada_Lovelace_0001.jpg")
        >>> decode_image(contents, 112).shape
        TensorShape([112, 112, 3])
    """
    image = tf.io.decode_image(contents, channels=3, expand_animations=False)
    # decode_image leaves even the rank unknown.
    image = tf.ensure_shape(image, [None, None, 3])
    return resize(image, image_size)


def resize(images, image_size):
    """Resizes images, bilinear and antialiased, unless they have the size.

    Args:
        images: [height, width, 3] or [n, height, width, 3] uint8 tensor.
        image_size: integer, height and width of the result, in pixels.

    Returns:
        A uint8 tensor like `images`, of height and width `image_size`.
    """
    size = [image_size, image_size]

    def resized():
        new = tf.image.resize(images, size, antialias=True)
        return tf.saturate_cast(tf.round(new), tf.uint8)

    same = tf.reduce_all(tf.equal(tf.shape(images)[-3:-1], size))
    new = tf.cond(same, lambda: images, resized)
    return tf.ensure_shape(new, [*images.shape[:-3], *size, 3])
