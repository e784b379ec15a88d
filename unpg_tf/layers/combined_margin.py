"""The margins of SphereFace, ArcFace and CosFace in one formula."""

import tensorflow as tf
from tensorflow import keras

from unpg_tf import ops
from unpg_tf.layers.margin_head import MarginHead


@keras.utils.register_keras_serializable("unpg_tf")
class CombinedMargin(MarginHead):
    """The target cos(theta) becomes cos(m1 theta + m2) - m3.

    Any mixture of the three is allowed: (1, 0.5, 0) is ArcFace, (1, 0, 0.4)
    is CosFace, (1, 0.3, 0.2) is a mixture.

    Args:
        num_classes: int, the number of class centres.
        m1: float, above 0. Factor of the angle.
        m2: float, at least 0, radians. Added to the angle.
        m3: float, at least 0. Taken from the cosine.
        **kwargs: Arguments of `MarginHead`.

    Example:

    >>> head = unpg_tf.layers.CombinedMargin(1000, m1=1.0, m2=0.3, m3=0.2)
    >>> cosines = head(embeddings, labels)  # [batch, 1000]

    Reference: Deng et al., *ArcFace*, CVPR 2019, equation 4 (without the
    scale).
    """

    def __init__(self, num_classes, m1=1.0, m2=0.5, m3=0.0, **kwargs):
        super().__init__(num_classes, **kwargs)
        ops.expect_numbers(m1=m1, m2=m2, m3=m3)
        ops.expect(m1 > 0, "m1 above 0", m1=m1)
        ops.expect(m2 >= 0, "m2 of at least 0 radians", m2=m2)
        ops.expect(m3 >= 0, "m3 of at least 0", m3=m3)
        self.m1 = float(m1)
        self.m2 = float(m2)
        self.m3 = float(m3)

    def target_cosines(self, targets, norms):
        """See `MarginHead.target_cosines`."""
        angles = self.m1 * ops.angle_of(targets) + self.m2
        return tf.cos(angles) - self.m3

    def get_config(self):
        """The arguments of the constructor, serialisable."""
        return {
            **super().get_config(),
            "m1": self.m1,
            "m2": self.m2,
            "m3": self.m3,
        }
