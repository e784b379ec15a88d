"""Reads and decodes a batch of images, of which some may be broken."""

import logging
import re

import numpy as np
import tensorflow as tf

from unpg_tf.data.images import decode_image


class SkippedImages:
    """Takes note of images that can't be read, for `training_batches`.

    Each is logged once, as a warning. Its place in a batch is taken by
    another image of that batch.

    Attributes:
        messages: set of strings, one for each image.

    Example:
        >>> skipped = SkippedImages()
        >>> dataset = training_batches(..., on_bad_image=skipped)
        >>> model.fit(dataset, steps_per_epoch=steps)
        >>> print(f"{len(skipped.messages)} images were skipped")
    """

    def __init__(self):
        self.messages = set()

    def __call__(self, message):
        """Takes note of an image."""
        if message not in self.messages:
            self.messages.add(message)
            logging.getLogger("unpg_tf").warning("Skipped: %s", message)


def bad_image_message(error):
    """What the error of a dataset says about an image that can't be read.

    Args:
        error: a `tf.errors.OpError`, which wraps it in words of its own.

    Returns:
        A line that names the image, or else the whole message.
    """
    found = re.search(r"Expected .*", error.message)
    return found.group() if found else error.message


def loader(source, image_size, on_bad_image=None):
    """Makes the function that reads and decodes batches.

    Args:
        source: a `Source`.
        image_size: integer, height and width of the result, in pixels.
        on_bad_image: callable of a message about an image that can't be read,
            such as `SkippedImages`, whose place another image of the batch
            takes. None stops with that message.

    Returns:
        Function of [n] rows, and of what the source's `contents` may take
        beside them, to a tuple of the [n] rows that the images are of, and
        [n, image_size, image_size, 3] uint8 images.
    """

    def at_once(rows, *read):
        return rows, _decode(source.contents(rows, *read), image_size)

    def one_by_one(rows, *read):
        pixels, rows = tf.numpy_function(
            lambda rows: _one_by_one(source, rows, image_size, on_bad_image),
            [rows],
            [tf.uint8, rows.dtype],
        )
        return rows, pixels

    def load(*batch):
        # An operation that fails fails the whole graph, unless it runs in a
        # dataset, which can go on with another.
        dataset = tf.data.Dataset.from_tensors(batch)
        tried = dataset.map(at_once).ignore_errors()
        rows, images = (
            tried.concatenate(dataset.map(one_by_one))
            .take(1)
            .get_single_element()
        )
        count = batch[0].shape[0]
        images = tf.ensure_shape(images, [count, image_size, image_size, 3])
        return tf.ensure_shape(rows, [count]), images

    return load


def _decode(contents, image_size):
    """[n] files' bytes -> [n, image_size, image_size, 3] uint8 tensor."""
    return tf.map_fn(
        lambda contents: decode_image(contents, image_size),
        contents,
        fn_output_signature=tf.TensorSpec(
            [image_size, image_size, 3], tf.uint8
        ),
    )


def _one_by_one(source, rows, image_size, on_bad_image):
    """Pixels and rows of a batch, in which good images stand for bad ones."""
    pixels = np.zeros([len(rows), image_size, image_size, 3], np.uint8)
    good = np.zeros(len(rows), bool)
    for i, row in enumerate(rows):
        try:
            contents = source.read(row)
            pixels[i] = decode_image(tf.constant(contents), image_size)
            good[i] = True
        except (OSError, ValueError, tf.errors.OpError) as error:
            message = _message(source.where(row), error)
            if on_bad_image is None:
                raise ValueError(message) from error
            on_bad_image(message)
    if not good.any():
        raise ValueError(
            "Expected an image in each batch that can be read. "
            f"Received: none, and at last: {message}"
        )
    rows = rows.copy()
    stand_ins = np.resize(np.flatnonzero(good), len(rows) - good.sum())
    pixels[~good], rows[~good] = pixels[stand_ins], rows[stand_ins]
    return pixels, rows


def _message(where, error):
    if isinstance(error, tf.errors.OpError):
        return f"Expected a JPEG, PNG, BMP or GIF image. Received: {where}"
    if isinstance(error, OSError):
        error = f"{where}: {error.strerror or error}"
    return f"Expected an image that can be read. Received: {error}"
