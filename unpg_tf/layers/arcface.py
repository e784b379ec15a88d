"""ArcFace: a margin on the angle."""

import math

import tensorflow as tf
from tensorflow import keras

from unpg_tf import ops
from unpg_tf.layers.margin_head import MarginHead


@keras.utils.register_keras_serializable("unpg_tf")
class ArcFace(MarginHead):
    """Additive angular margin: the target cos(theta) becomes cos(theta + m).

    Beyond theta = pi - m the cosine rises again. The reference leaves it so;
    with `threshold=True` the target goes on falling there, as
    t - m sin(pi - m).

    Args:
        num_classes: int, the number of class centres.
        margin: float in [0, pi], radians.
        threshold: bool. Whether targets below cos(pi - margin) fall back to
            a margin on the cosine.
        **kwargs: Arguments of `MarginHead`.

    Example:

    >>> head = unpg_tf.layers.ArcFace(1000, margin=0.5)
    >>> cosines = head(embeddings, labels)  # [batch, 1000]

    Reference: Deng et al., *ArcFace: Additive Angular Margin Loss for Deep
    Face Recognition*, CVPR 2019, equation 3 (without the scale).
    """

    def __init__(self, num_classes, margin=0.5, threshold=False, **kwargs):
        super().__init__(num_classes, **kwargs)
        ops.expect_numbers(margin=margin)
        ops.expect(
            0 <= margin <= math.pi, "margin in [0, pi] radians", margin=margin
        )
        self.margin = float(margin)
        self.threshold = bool(threshold)

    def target_cosines(self, targets, norms):
        """See `MarginHead.target_cosines`."""
        turned = ops.add_angle(targets, self.margin)
        if not self.threshold:
            return turned
        fallen = targets - self.margin * math.sin(math.pi - self.margin)
        return tf.where(
            targets > math.cos(math.pi - self.margin), turned, fallen
        )

    def get_config(self):
        """The arguments of the constructor, serialisable."""
        return {
            **super().get_config(),
            "margin": self.margin,
            "threshold": self.threshold,
        }
