"""X2-Softmax: the target is a parabola of its angle."""

import tensorflow as tf
from tensorflow import keras

from unpg_tf import ops
from unpg_tf.layers.margin_head import MarginHead


@keras.utils.register_keras_serializable("unpg_tf")
class X2Softmax(MarginHead):
    """A margin that grows with the angle: the target is a (theta - h)^2 + k.

    The gradient is that of the plain cosine, as in the authors' code: the
    parabola says how large the loss is, not how the target turns.

    Args:
        num_classes: int, the number of class centres.
        a: float, below 0.
        h: float, radians, where the parabola has its top.
        k: float, its value there.
        **kwargs: Arguments of `MarginHead`.

    Example:

    >>> head = unpg_tf.layers.X2Softmax(1000)
    >>> cosines = head(embeddings, labels)  # [batch, 1000]

    Reference: Xu et al., *X2-Softmax: Margin Adaptive Loss Function for Face
    Recognition*, 2023, arXiv 2312.05281.
    """

    def __init__(self, num_classes, a=-0.9, h=0.0, k=0.65, **kwargs):
        super().__init__(num_classes, **kwargs)
        ops.expect_numbers(a=a, h=h, k=k)
        ops.expect(a < 0, "a below 0", a=a)
        self.a = float(a)
        self.h = float(h)
        self.k = float(k)

    def target_cosines(self, targets, norms):
        """See `MarginHead.target_cosines`."""
        angles = ops.angle_of(targets)
        values = self.a * tf.square(angles - self.h) + self.k
        return targets + tf.stop_gradient(values - targets)

    def get_config(self):
        """The arguments of the constructor, serialisable."""
        return {**super().get_config(), "a": self.a, "h": self.h, "k": self.k}
