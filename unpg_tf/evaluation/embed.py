"""From images to embeddings of unit length."""

import numpy as np
import tensorflow as tf

from unpg_tf import ops
from unpg_tf.data.images import decode_image
from unpg_tf.faces import align_image
from unpg_tf.faces import alignments
from unpg_tf.progress import Progress


class Embedder:
    """Embeds images in batches, with the flip test.

    Args:
        model: a Keras model, images [n, h, w, 3] of values 0..255 to
            embeddings [n, dim], or a `ServedModel`.
        image_size: height and width of the images in pixels; None takes the
            model's.
        flip: whether the embeddings of an image and of its mirror image are
            summed (before both get their unit length).
        batch_size: images per batch; the flip test doubles it.
        unit_length: whether the embeddings get unit length, or keep the
            norm that the model gave them.

    Attributes:
        image_size: as given, or the model's.
        flip: as given.
        unit_length: as given.

    Raises:
        ValueError: `image_size` is missing or isn't the model's.

    Example:
        >>> embedder = Embedder(model)
        >>> embedder(["Ada_Lovelace_0001.jpg", "Ada_Lovelace_0002.jpg"]).shape
        (2, 512)
    """

    def __init__(
        self,
        model,
        image_size=None,
        flip=True,
        batch_size=64,
        unit_length=True,
    ):
        ops.expect_counts(batch_size=batch_size)
        if image_size is not None:
            ops.expect_counts(image_size=image_size)
        self.image_size = _image_size(model, image_size)
        self.flip = flip
        self.batch_size = batch_size
        self.unit_length = unit_length
        shape = [None, self.image_size, self.image_size, 3]
        # One trace, kept for all epochs of a training.
        self._embed = tf.function(
            lambda images: _embed(model, images, flip, unit_length),
            input_signature=[tf.TensorSpec(shape, tf.float32)],
        )

    def __call__(self, images, verbose=0, landmarks=None):
        """Embeds images.

        Args:
            images: [n] paths of JPEG, PNG, BMP or GIF files of any size, [n]
                object array of such files' bytes, or
                [n, image_size, image_size, 3] array of values 0..255.
            verbose: 1 shows a progress bar, 0 doesn't.
            landmarks: [n, 5, 2] float array, x and y of the eyes, the nose
                and the corners of the mouth in the files' images, which are
                aligned by them; None takes the images as they are.

        Returns:
            [n, dim] float32 array, of unit vectors unless `unit_length` is
            False.

        Raises:
            ValueError: an image can't be read or decoded, or has another
                size, or the model doesn't give [n, dim].
        """
        ops.expect(len(images) > 0, "images, at least one", images=images)
        batches = self._batches(np.asarray(images), landmarks)
        count = len(images)
        progress = Progress(f"Embedding {count} images", count)
        embeddings = []
        for number, batch in enumerate(batches, start=1):
            embeddings.append(self._embed(tf.cast(batch, tf.float32)).numpy())
            if verbose:
                progress(min(number * self.batch_size, count))
        return np.concatenate(embeddings)

    def _batches(self, images, landmarks):
        if images.ndim == 1:
            decode = _decoder(images, landmarks, self.image_size)
            return _decoded(images, decode, self.batch_size)
        shape = (self.image_size, self.image_size, 3)
        if images.shape[1:] != shape:
            raise ValueError(
                f"Expected paths, or images of shape {shape}. "
                f"Received: an array of shape {images.shape}"
            )
        starts = range(0, len(images), self.batch_size)
        return (images[i : i + self.batch_size] for i in starts)


def _embed(model, images, flip, unit_length):
    if flip:
        images = tf.concat([images, tf.reverse(images, axis=[2])], axis=0)
    embeddings = tf.cast(model(images, training=False), tf.float32)
    if embeddings.shape.rank != 2:
        raise ValueError(
            "Expected a model that gives embeddings of shape [n, dim]. "
            f"Received: output of shape {embeddings.shape}"
        )
    if flip:
        embeddings = tf.add(*tf.split(embeddings, 2))
    return ops.unit_vectors(embeddings)[0] if unit_length else embeddings


def _image_size(model, image_size):
    shape = getattr(getattr(model, "backbone", model), "input_shape", ())
    known = shape[1] if len(shape) == 4 else None
    if image_size is None and known is None:
        raise ValueError(
            "Expected image_size, since the model's input shape doesn't tell. "
            f"Received: image_size=None, input shape {shape}"
        )
    if image_size is not None and known not in (None, image_size):
        raise ValueError(
            f"Expected image_size={known}, as the model has. "
            f"Received: image_size={image_size}"
        )
    return known if image_size is None else image_size


def _decoded(paths, decode, batch_size):
    """Yields batches of decoded images, and names a file that isn't one."""
    rows = tf.data.Dataset.range(len(paths))
    contents = tf.data.Dataset.from_tensor_slices(paths)
    dataset = tf.data.Dataset.zip((rows, contents))
    dataset = dataset.map(decode, num_parallel_calls=tf.data.AUTOTUNE)
    try:
        yield from dataset.batch(batch_size).prefetch(tf.data.AUTOTUNE)
    except tf.errors.OpError:
        for row, path in enumerate(paths):
            name = f"image {row}" if paths.dtype == object else path
            _expect_image(decode, row, path, name)
        raise


def _decoder(paths, landmarks, image_size):
    """A function of an image's row and path, or bytes, to its pixels."""
    # Paths are read; an array of objects holds the files' bytes.
    read = tf.identity if paths.dtype == object else tf.io.read_file
    if landmarks is None:
        return lambda row, path: decode_image(read(path), image_size)
    transforms = tf.constant(alignments(landmarks, image_size))
    return lambda row, path: align_image(
        read(path), transforms[row], image_size
    )


def _expect_image(decode, row, path, name):
    try:
        decode(row, path)
    except tf.errors.InvalidArgumentError:
        raise ValueError(
            f"Expected a JPEG, PNG, BMP or GIF image. Received: {name}"
        ) from None
    except tf.errors.OpError as error:
        reason = error.message.rpartition("; ")[2].partition(" [Op:")[0]
        raise ValueError(
            f"Expected an image that can be read. Received: {name}: {reason}"
        ) from None
