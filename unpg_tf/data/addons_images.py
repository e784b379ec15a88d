"""Image operations of TensorFlow Addons on training images."""

import dataclasses
from collections.abc import Callable

import tensorflow as tf

from unpg_tf import compat
from unpg_tf import ops

# Those of a whole batch by fixed arguments: of what Addons draws by itself, a
# seed knows nothing.
_OPERATIONS = (
    "adjust_hsv_in_yiq",
    "cutout",
    "equalize",
    "gaussian_filter2d",
    "mean_filter2d",
    "median_filter2d",
    "rotate",
    "sharpness",
)


@dataclasses.dataclass(frozen=True)
class AddonsImages:
    """Changes some training images by an operation of TensorFlow Addons.

    Classic stack only: Addons ended with TensorFlow 2.15.

    Attributes:
        before: what is done first, such as an `Augmentation`, called alike.
        operation: name in `tfa.image`, such as `gaussian_filter2d`.
        options: dict of its arguments beside the images.
        rate: probability that an image is changed, 0..1.

    Raises:
        ImportError: on another stack, or where Addons is missing.
        ValueError: there is no such operation, it doesn't take the options,
            or `rate` is out of range.

    Example:
        >>> augment = AddonsImages(
        ...     Augmentation(), "gaussian_filter2d", {"sigma": 2.0}
        ... )
        >>> augment(images, seed=[0, step]).dtype
        tf.float32
    """

    before: Callable
    operation: str
    options: dict = dataclasses.field(default_factory=dict)
    rate: float = 0.5

    def __post_init__(self):
        """Checks the operation on a batch of its own."""
        ops.expect(0 <= self.rate <= 1, "rate in [0, 1]", rate=self.rate)
        ops.expect(
            self.operation in _OPERATIONS,
            f"an image operation of {', '.join(_OPERATIONS)}",
            operation=self.operation,
        )
        try:
            self._change(tf.zeros([2, 16, 16, 3], tf.uint8))
        except (TypeError, ValueError, tf.errors.OpError) as error:
            raise ValueError(
                f"Expected arguments of tfa.image.{self.operation}. "
                f"Received: {self.options}: {error}"
            ) from error

    def _change(self, images):
        return getattr(_addons().image, self.operation)(images, **self.options)

    def __call__(self, images, seed, first=0):
        """Changes images; see `Augmentation`.

        Returns:
            [n, size, size, 3] float32 tensor of values 0..255.
        """
        images = tf.cast(self.before(images, seed, first), tf.float32)
        # Of integers Addons knows the range.
        changed = self._change(tf.cast(tf.round(images), tf.uint8))
        # Draws of its own, apart from those of what comes before.
        seed = tf.random.experimental.stateless_fold_in(
            tf.cast(seed, tf.int32), _OPERATIONS.index(self.operation)
        )
        draws = tf.random.stateless_uniform([first + tf.shape(images)[0]], seed)
        chosen = draws[first:, tf.newaxis, tf.newaxis, tf.newaxis] < self.rate
        changed = tf.ensure_shape(changed, images.shape)
        return tf.where(chosen, tf.cast(changed, tf.float32), images)


def _addons():
    return compat.addons(
        "Augmentation and its flags (--brightness, --contrast, --zoom and more)"
    )
