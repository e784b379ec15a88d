"""Batches of training images, in tf.data."""

import numpy as np
import tensorflow as tf

from unpg_tf import ops
from unpg_tf.data.images import decode_image
from unpg_tf.data.insightface import InsightFaceRecords


def training_batches(
    images,
    labels,
    batch_size,
    *,
    image_size=None,
    augment=None,
    seed=0,
    first_epoch=0,
    first_step=0,
):
    """Makes the endless dataset of shuffled, augmented training batches.

    Order and augmentation of an epoch follow from the seed and the epoch's
    number: training that resumes at `first_epoch` and, within it, at
    `first_step` sees the batches that it would have seen without the
    interruption. A last batch that isn't full is
    left out; as each epoch is shuffled anew, other images fall into it. Pass
    `steps_per_epoch=len(labels) // batch_size` to `fit`.

    With several workers each reads all batches and keeps its part of each,
    which the order, being fixed, makes exact.

    Args:
        images: list of n paths, an [n, size, size, 3] uint8 array, such as
            `load_images` returns, or `InsightFaceRecords`.
        labels: [n] integer array.
        batch_size: integer, the global batch of all replicas together.
        image_size: integer, height and width in pixels, where `images` are
            paths or records.
        augment: callable of a batch of images and a seed of two integers,
            such as an `Augmentation`; None for the images as they are.
        seed: integer.
        first_epoch: integer, number of the first epoch.
        first_step: integer, number of the first batch within that epoch.

    Returns:
        `tf.data.Dataset` of images, [batch_size, size, size, 3] of values
        0..255, uint8 or what `augment` makes of it, and labels, [batch_size]
        int32.

    Raises:
        ValueError: there isn't one full batch, or images and labels differ in
            number.

    Example:
        >>> folder = read_folder("lfw")
        >>> images = load_images(folder.paths, 112)
        >>> dataset = training_batches(images, folder.labels, 64)
        >>> model.fit(dataset, steps_per_epoch=len(images) // 64, epochs=20)
    """
    count, steps = len(images), len(images) // batch_size
    ops.expect(
        len(labels) == count, f"{count} labels", number_of_labels=len(labels)
    )
    ops.expect(
        steps > 0, f"at most {count} images in a batch", batch_size=batch_size
    )
    # Pinned to the host: a data set would fill an accelerator's memory.
    with tf.device("CPU"):
        read = _reader(images)
        labels = tf.convert_to_tensor(np.asarray(labels, np.int32))

    def epoch_batches(epoch):
        order = tf.random.experimental.stateless_shuffle(
            tf.range(count), [seed, epoch]
        )
        rows = tf.data.Dataset.from_tensor_slices(order)
        batches = rows.batch(batch_size, drop_remainder=True)
        return batches.enumerate(epoch * steps)

    def load(step, rows):
        batch = read(rows)
        if batch.dtype == tf.string:
            batch = _decode(batch, image_size)
        if augment is not None:
            # Apart from the seeds of the order, which count from 0.
            batch = augment(batch, [seed, -1 - step])
        return batch, tf.gather(labels, rows)

    dataset = tf.data.Dataset.counter(first_epoch).flat_map(epoch_batches)
    dataset = dataset.skip(first_step)
    dataset = dataset.map(load, tf.data.AUTOTUNE).prefetch(tf.data.AUTOTUNE)
    options = tf.data.Options()
    options.experimental_distribute.auto_shard_policy = (
        tf.data.experimental.AutoShardPolicy.DATA
    )
    return dataset.with_options(options)


def load_images(paths, image_size):
    """Decodes image files into memory, for training sets that fit.

    Args:
        paths: list of n paths of JPEG or PNG files, or `InsightFaceRecords`.
        image_size: integer, height and width in pixels.

    Returns:
        [n, image_size, image_size, 3] uint8 array, RGB: n times
        3 * image_size² bytes.

    Raises:
        ValueError: a file or record isn't an image; the message names it.
    """
    images = np.empty((len(paths), image_size, image_size, 3), np.uint8)
    read = _reader(paths)
    dataset = tf.data.Dataset.range(len(paths)).map(
        lambda row: decode_image(read(row[tf.newaxis])[0], image_size),
        tf.data.AUTOTUNE,
    )
    iterator = dataset.prefetch(tf.data.AUTOTUNE).as_numpy_iterator()
    for row in range(len(paths)):
        try:
            images[row] = next(iterator)
        except tf.errors.InvalidArgumentError:
            raise ValueError(
                f"Expected a JPEG or PNG image. Received: {_where(paths, row)}"
            ) from None
    return images


def _where(images, row):
    """The name of an image's file, or of its record."""
    records = isinstance(images, InsightFaceRecords)
    return images.where(row) if records else images[row]


def _reader(images):
    """A function of [n] rows to their files' bytes or to their pixels."""
    if isinstance(images, InsightFaceRecords):
        return lambda rows: tf.ensure_shape(
            tf.numpy_function(
                lambda rows: np.array([images.read(i) for i in rows], object),
                [rows],
                tf.string,
            ),
            rows.shape,
        )
    images = tf.convert_to_tensor(images)
    if images.dtype != tf.string:
        return lambda rows: tf.gather(images, rows)
    return lambda rows: tf.map_fn(tf.io.read_file, tf.gather(images, rows))


def _decode(contents, image_size):
    """[n] files' bytes -> [n, image_size, image_size, 3] uint8 tensor."""
    return tf.map_fn(
        lambda contents: decode_image(contents, image_size),
        contents,
        fn_output_signature=tf.TensorSpec(
            [image_size, image_size, 3], tf.uint8
        ),
    )
