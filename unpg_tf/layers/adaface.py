"""AdaFace: a margin that follows the image's quality."""

import math

import tensorflow as tf
from tensorflow import keras

from unpg_tf import distribute
from unpg_tf import ops
from unpg_tf.layers.margin_head import MarginHead

_EPSILON = 1e-3


@keras.utils.register_keras_serializable("unpg_tf")
class AdaFace(MarginHead):
    """Angular and additive margins, weighed by the embedding's length.

    With z = clip(h (norm - mean) / std, -1, 1), the target cos(theta) becomes
    cos(theta - margin z) - (margin + margin z): hard images of good quality
    are stressed, and those of bad quality are not. Mean and standard
    deviation (unbiased) of the norms are moving averages over global batches,
    updated before use; norms carry no gradient.

    Args:
        num_classes: int, the number of class centres.
        margin: float, at least 0, radians.
        h: float, above 0. How much of the norms' distribution lies between
            z = -1 and 1.
        ema_rate: float in (0, 1]. Weight of a new batch in the averages.
        **kwargs: Arguments of `MarginHead`.

    Attributes:
        batch_mean: Scalar weight, the average mean of the norms; starts at
            20.
        batch_std: Scalar weight, the average standard deviation; starts at
            100.

    Example:

    >>> head = unpg_tf.layers.AdaFace(1000)
    >>> cosines = head(embeddings, labels, training=True)  # [batch, 1000]

    Reference: Kim, Jain, Liu, *AdaFace: Quality Adaptive Margin for Face
    Recognition*, CVPR 2022.
    """

    def __init__(
        self, num_classes, margin=0.4, h=0.333, ema_rate=0.01, **kwargs
    ):
        super().__init__(num_classes, **kwargs)
        ops.expect_numbers(margin=margin, h=h, ema_rate=ema_rate)
        ops.expect(margin >= 0, "margin of at least 0 radians", margin=margin)
        ops.expect(h > 0, "h above 0", h=h)
        ops.expect(0 < ema_rate <= 1, "ema_rate in (0, 1]", ema_rate=ema_rate)
        self.margin = float(margin)
        self.h = float(h)
        self.ema_rate = float(ema_rate)

    def build(self, input_shape):
        """Creates the class centres and the statistics of the norms."""
        super().build(input_shape)
        self.batch_mean = self.add_state("batch_mean", 20.0)
        self.batch_std = self.add_state("batch_std", 100.0)

    def update_state(self, targets, norms):
        """Takes the global batch's norms into the moving averages."""
        norms = distribute.all_gather(_clipped(norms))
        mean = tf.reduce_mean(norms)
        count = tf.cast(tf.size(norms), norms.dtype)
        squares = tf.reduce_sum(tf.square(norms - mean))
        std = tf.sqrt(squares / tf.maximum(count - 1.0, 1.0))
        # One norm has no standard deviation; the average waits.
        std = tf.where(count > 1, std, self.batch_std)
        for average, value in (self.batch_mean, mean), (self.batch_std, std):
            average.assign(average + self.ema_rate * (value - average))

    def class_cosines(self, cosines, targets):
        """See `MarginHead.class_cosines`."""
        return tf.clip_by_value(cosines, -1 + _EPSILON, 1 - _EPSILON)

    def target_cosines(self, targets, norms):
        """See `MarginHead.target_cosines`."""
        norms = _clipped(tf.stop_gradient(norms))
        z = self.h * (norms - self.batch_mean) / (self.batch_std + _EPSILON)
        z = tf.clip_by_value(z, -1.0, 1.0)
        angles = ops.angle_of(self.class_cosines(targets, None))
        angles = tf.clip_by_value(
            angles - self.margin * z, _EPSILON, math.pi - _EPSILON
        )
        return tf.cos(angles) - self.margin * (1.0 + z)

    def get_config(self):
        """The arguments of the constructor, serialisable."""
        return {
            **super().get_config(),
            "margin": self.margin,
            "h": self.h,
            "ema_rate": self.ema_rate,
        }


def _clipped(norms):
    return tf.clip_by_value(norms, _EPSILON, 100.0)
