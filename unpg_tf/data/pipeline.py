"""Batches of training images, in tf.data."""

import numbers

import numpy as np
import tensorflow as tf

from unpg_tf import ops
from unpg_tf.data.loading import bad_image_message
from unpg_tf.data.loading import loader
from unpg_tf.data.orders import Balanced
from unpg_tf.data.orders import shuffled
from unpg_tf.data.shards import ImageShards
from unpg_tf.data.sources import Files
from unpg_tf.data.sources import Source
from unpg_tf.data.sources import as_source

_CHUNK = 64


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
    identities_per_batch=None,
    on_bad_image=None,
    context=None,
):
    """Makes the endless dataset of shuffled, augmented training batches.

    Order and augmentation of an epoch follow from the seed and the epoch's
    number: training that resumes at `first_epoch` and, within it, at
    `first_step` sees the batches that it would have seen without the
    interruption. A last batch that isn't full is
    left out; as each epoch is shuffled anew, other images fall into it. Pass
    `steps_per_epoch=len(labels) // batch_size` to `fit`.

    With several workers each reads all batches and keeps its part of each,
    which the order, being fixed, makes exact. Given the `context` it reads its
    part alone, and the batches are the same but for `ImageShards`.

    `ImageShards` are read shard by shard, mixed within a window; each worker
    with a context reads a stretch of them then, and the batches are made of
    other images than those of one process; an epoch holds each once as well.
    Other images, and all of `identities_per_batch`, come in an order over the
    whole set.

    Args:
        images: list of n paths, an [n, size, size, 3] uint8 array, such as
            `load_images` returns, `InsightFaceRecords`, `ImageShards` or
            another `Source`.
        labels: [n] integer array.
        batch_size: integer, the global batch of all replicas together.
        image_size: integer, height and width in pixels, where `images` isn't
            an array.
        augment: callable of a batch of images and a seed of two integers,
            such as an `Augmentation`; None for the images as they are. With
            a `context` also of `first`, where in the global batch they stand.
        seed: integer.
        first_epoch: integer, number of the first epoch.
        first_step: integer, number of the first batch within that epoch.
        identities_per_batch: integer P: batches hold P identities with
            batch_size / P images of each, as `Balanced` has it. None shuffles.
        on_bad_image: callable of a message about an image that can't be read,
            such as `SkippedImages`, whose place another image of the batch
            takes. None stops: the iterator raises an error with the message.
        context: `tf.distribute.InputContext`, with
            `strategy.distribute_datasets_from_function`.

    Returns:
        `tf.data.Dataset` of images, [batch_size, size, size, 3] of values
        0..255, uint8 or what `augment` makes of it, and labels, [batch_size]
        int32; with a context in the part of `batch_size` of one replica.

    Raises:
        ValueError: there isn't one full batch, images and labels differ in
            number, or P doesn't fit the batch or the identities; or an
            argument is none of what it should be.

    Example:
        >>> folder = read_folder("lfw")
        >>> images = load_images(folder.paths, 112)
        >>> dataset = training_batches(images, folder.labels, 64)
        >>> model.fit(dataset, steps_per_epoch=len(images) // 64, epochs=20)
    """
    _check_numbers(batch_size, image_size, identities_per_batch)
    _check_place(seed, first_epoch, first_step)
    _check_callables(augment=augment, on_bad_image=on_bad_image)
    labels = _class_ids(labels)
    count, steps = len(images), len(images) // batch_size
    ops.expect(
        len(labels) == count, f"{count} labels", number_of_labels=len(labels)
    )
    ops.expect(
        steps > 0, f"at most {count} images in a batch", batch_size=batch_size
    )
    parts = context.num_input_pipelines if context else 1
    part = context.input_pipeline_id if context else 0
    size = batch_size // parts
    # Pinned to the host: a data set would fill an accelerator's memory.
    with tf.device("CPU"):
        read = _reader(images, image_size, on_bad_image)
        labels = tf.convert_to_tensor(labels)
        if isinstance(images, ImageShards) and identities_per_batch is None:
            epoch_batches = images.stream(size, seed, part, parts)
        else:
            order = _order(labels, batch_size, identities_per_batch, seed)
            epoch_batches = _batches_of_rows(order, size, part)

    def load(step, batch):
        rows, images = read(*batch)
        if augment is not None:
            # Apart from the seeds of the order, which count from 0.
            first = {"first": part * size} if part else {}
            images = augment(images, [seed, -1 - step], **first)
        return images, tf.gather(labels, rows)

    dataset = tf.data.Dataset.counter(first_epoch).flat_map(
        lambda epoch: epoch_batches(epoch).take(steps).enumerate(epoch * steps)
    )
    dataset = dataset.skip(first_step).map(load, tf.data.AUTOTUNE)
    if context:
        replica = context.get_per_replica_batch_size(batch_size)
        dataset = dataset.rebatch(replica, drop_remainder=True)
    options = tf.data.Options()
    options.experimental_distribute.auto_shard_policy = (
        tf.data.experimental.AutoShardPolicy.DATA
    )
    return dataset.prefetch(tf.data.AUTOTUNE).with_options(options)


def _check_numbers(batch_size, image_size, identities_per_batch):
    ops.expect_counts(batch_size=batch_size)
    if image_size is not None:
        ops.expect_counts(image_size=image_size)
    if identities_per_batch is not None:
        ops.expect_counts(identities_per_batch=identities_per_batch)


def _check_place(seed, first_epoch, first_step):
    place = {"seed": seed, "first_epoch": first_epoch, "first_step": first_step}
    for name, value in place.items():
        ops.expect(
            isinstance(value, numbers.Integral) and value >= 0,
            f"{name} of at least 0, an integer",
            **{name: value},
        )


def _check_callables(**arguments):
    for name, value in arguments.items():
        ops.expect(
            value is None or callable(value),
            f"{name}, a callable or None",
            **{name: value},
        )


def _class_ids(labels):
    labels = np.asarray(labels)
    ops.expect(
        labels.ndim == 1 and labels.dtype.kind in "iu",
        "labels of shape [n], integers",
        shape=labels.shape,
        dtype=labels.dtype.name,
    )
    return labels.astype(np.int32)


def load_images(images, image_size):
    """Decodes image files into memory, for training sets that fit.

    Args:
        images: list of n paths of JPEG, PNG, BMP or GIF files, or a `Source`,
            such as `InsightFaceRecords`.
        image_size: integer, height and width in pixels.

    Returns:
        [n, image_size, image_size, 3] uint8 array, RGB: n times
        3 * image_size² bytes.

    Raises:
        ValueError: a file or record isn't an image; the message names it.
    """
    return load_readable(images, image_size, None)[0]


def load_readable(images, image_size, on_bad_image, progress=None):
    """Decodes those image files into memory that can be read.

    Args:
        images: list of n paths of JPEG, PNG, BMP or GIF files, or a `Source`,
            such as `InsightFaceRecords`.
        image_size: integer, height and width in pixels.
        on_bad_image: callable of a message about an image that can't be read,
            such as `SkippedImages`. None stops with that message.
        progress: callable of the number of images done, or None.

    Returns:
        pixels: [m, image_size, image_size, 3] uint8 array, RGB.
        rows: [m] integer array, which of the images they are.

    Raises:
        ValueError: a file or record isn't an image; the message names it.
    """
    ops.expect_counts(image_size=image_size)
    ops.expect(len(images) > 0, "images, at least one", images=images)
    count = len(images)
    pixels = np.empty((count, image_size, image_size, 3), np.uint8)
    read = np.zeros(count, bool)
    # The last chunk is filled up from the first: all are of one shape.
    size = min(_CHUNK, count)
    wanted = np.resize(np.arange(count), (-(-count // size), size))
    dataset = tf.data.Dataset.from_tensor_slices(wanted).map(
        loader(as_source(images), image_size, on_bad_image), tf.data.AUTOTUNE
    )
    batches = dataset.prefetch(tf.data.AUTOTUNE).as_numpy_iterator()
    try:
        for done, (expected, (rows, chunk)) in enumerate(
            zip(wanted, batches, strict=True), start=1
        ):
            # Another image stands for one that can't be read.
            right = rows == expected
            pixels[rows[right]] = chunk[right]
            read[rows[right]] = True
            if progress is not None:
                progress(min(done * size, count))
    except tf.errors.InvalidArgumentError as error:
        raise ValueError(bad_image_message(error)) from None
    return (pixels if read.all() else pixels[read]), np.flatnonzero(read)


def _reader(images, image_size, on_bad_image):
    """A function of [n] rows, and maybe bytes, to rows and pixels."""
    if not isinstance(images, Source):
        images = tf.convert_to_tensor(images)
        if images.dtype != tf.string:
            ops.expect(
                images.shape.rank == 1 or images.shape[3:] == [3],
                "images of shape [n, size, size, 3], or paths",
                shape=tuple(images.shape),
            )
            return lambda rows: (rows, tf.gather(images, rows))
        images = Files(images.numpy().astype(str).tolist())
    return loader(images, image_size, on_bad_image)


def _order(labels, batch_size, identities_per_batch, seed):
    """A function of an epoch to [steps, batch_size] rows."""
    if identities_per_batch is None:
        return lambda epoch: shuffled(len(labels), batch_size, seed, epoch)
    balanced = Balanced(labels, batch_size, identities_per_batch, seed)
    return lambda epoch: tf.numpy_function(
        balanced, [epoch], tf.int32, stateful=False
    )


def _batches_of_rows(order, size, part):
    """A function of an epoch to the dataset of a part's [size] rows."""

    def epoch_batches(epoch):
        rows = order(epoch)[:, part * size : (part + 1) * size]
        rows = tf.ensure_shape(rows, [None, size])
        return tf.data.Dataset.from_tensor_slices((rows,))

    return epoch_batches
