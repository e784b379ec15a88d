"""Random changes to training images, a whole batch at a time."""

import dataclasses

import tensorflow as tf

from unpg_tf import ops

_GREY = (0.299, 0.587, 0.114)


@dataclasses.dataclass(frozen=True)
class Augmentation:
    """Flips, moves, zooms and recolours images at random, given a seed.

    Each change has a strength, at which 0 leaves the images as they are. The
    changes lie around the image itself, so that a network meets no other
    framing on average than it will when it is used.

    Attributes:
        flip: probability that an image is mirrored, 0..1.
        zoom: largest relative change of the size of what is shown, below 1.
        shift: largest move in each direction, as a part of the side. What
            comes into sight from beyond the edges is black.
        brightness: largest relative change of all pixel values, 0..1.
        contrast: largest relative change of the distance to the image's mean.
        saturation: largest relative change of the distance to grey.

    Raises:
        ValueError: a strength is out of range.

    Example:
        >>> augment = Augmentation(flip=0.5, zoom=0.1)
        >>> augment(images, seed=[0, step]).dtype
        tf.float32
    """

    flip: float = 0.5
    zoom: float = 0.0
    shift: float = 0.0
    brightness: float = 0.0
    contrast: float = 0.0
    saturation: float = 0.0

    def __post_init__(self):
        """Checks the strengths."""
        for name, value in dataclasses.asdict(self).items():
            ops.expect_numbers(**{name: value})
            ops.expect(0 <= value <= 1, f"{name} in [0, 1]", **{name: value})
        ops.expect(self.zoom < 1, "zoom below 1", zoom=self.zoom)

    def __call__(self, images, seed, first=0):
        """Changes every image of a batch in its own way.

        Args:
            images: [n, size, size, 3] uint8 or float tensor of values 0..255.
            seed: [2] integer tensor; the same seed makes the same changes.
            first: integer, where in the batch that the seed belongs to these
                images begin: parts of it change as they would in the whole.

        Returns:
            [n, size, size, 3] float32 tensor of values 0..255; of the images'
            own type where the strengths leave nothing but `flip`.
        """
        images = tf.convert_to_tensor(images)
        shape = [first + tf.shape(images)[0], 7]
        draws = tf.random.stateless_uniform(shape, seed)[first:]
        draws = tf.unstack(draws, axis=1)
        if self.zoom or self.shift:
            images = self._frame(images, *draws[:4])
        elif self.flip:
            images = _mirror(images, draws[3] < self.flip)
        if self.brightness or self.contrast or self.saturation:
            images = self._recolour(images, *draws[4:])
        return images

    def _frame(self, images, side, down, right, flip):
        """Shows another square of each image's plane, mirrored or not."""
        count, size = tf.shape(images)[0], images.shape[1]
        side = 1 + self.zoom * (2 * side - 1)
        top = (1 - side) / 2 + self.shift * (2 * down - 1)
        left = (1 - side) / 2 + self.shift * (2 * right - 1)
        right, mirrored = left + side, flip < self.flip
        # A box whose left end lies right of its right one mirrors.
        ends = tf.where(mirrored, right, left), tf.where(mirrored, left, right)
        boxes = tf.stack([top, ends[0], top + side, ends[1]], axis=1)
        return tf.image.crop_and_resize(
            images, boxes, tf.range(count), [size, size]
        )

    def _recolour(self, images, brightness, contrast, saturation):
        """Scales the values, their contrast and their saturation.

        One after the other they would be three passes over the pixels. All
        are linear: together a 3 x 3 matrix, and a part of the image's mean.
        """
        bright = _factor(self.brightness, brightness)
        contrast = _factor(self.contrast, contrast)
        colour = _factor(self.saturation, saturation)
        images = tf.cast(images, tf.float32)
        mean = tf.reduce_mean(images, axis=[1, 2, 3])
        grey = tf.tile(tf.constant(_GREY)[:, tf.newaxis], [1, 3])
        matrix = colour * tf.eye(3) + (1 - colour) * grey
        offset = (1 - contrast) * bright * mean[:, tf.newaxis, tf.newaxis]
        pixels = tf.reshape(images, [tf.shape(images)[0], -1, 3])
        pixels = tf.matmul(pixels, contrast * bright * matrix) + offset
        pixels = tf.clip_by_value(pixels, 0.0, 255.0)
        return tf.reshape(pixels, [-1, *images.shape[1:]])


def _mirror(images, mirrored):
    """Mirrors some images: a fifth of the time of choosing by `tf.where`."""
    rows = tf.range(tf.shape(images)[0])
    same, other = tf.dynamic_partition(rows, tf.cast(mirrored, tf.int32), 2)
    # TensorFlow has a fast way for the middle one of three axes alone.
    lines = tf.reshape(tf.gather(images, other), [-1, *images.shape[2:]])
    turned = tf.reshape(tf.reverse(lines, [1]), [-1, *images.shape[1:]])
    parts = [tf.gather(images, same), turned]
    images_again = tf.dynamic_stitch([same, other], parts)
    return tf.ensure_shape(images_again, images.shape)


def _factor(strength, draws):
    """[n] draws of 0..1 -> [n, 1, 1] factors of 1 ± strength."""
    return tf.reshape(1 + strength * (2 * draws - 1), [-1, 1, 1])
