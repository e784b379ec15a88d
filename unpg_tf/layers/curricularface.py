"""CurricularFace: hard negatives matter more as training proceeds."""

import tensorflow as tf
from tensorflow import keras

from unpg_tf import distribute
from unpg_tf import ops
from unpg_tf.layers.arcface import ArcFace


@keras.utils.register_keras_serializable("unpg_tf")
class CurricularFace(ArcFace):
    """ArcFace whose hard negatives are weighed by the stage of training.

    The target is ArcFace's with its threshold. A cosine c to another class
    that exceeds cos(theta + margin) becomes c (t + c), where t is the moving
    average of the mean target cosine over global batches, updated before
    use: small at first, so that easy examples lead.

    Args:
        num_classes: int, the number of class centres.
        margin: float in [0, pi], radians.
        ema_rate: float in (0, 1]. Weight of a new batch in the average.
        **kwargs: Arguments of `MarginHead`.

    Attributes:
        t: Scalar weight, the moving average; starts at 0.

    Example:

    >>> head = unpg_tf.layers.CurricularFace(1000)
    >>> cosines = head(embeddings, labels, training=True)  # [batch, 1000]

    Reference: Huang et al., *CurricularFace: Adaptive Curriculum Learning
    Loss for Deep Face Recognition*, CVPR 2020.
    """

    def __init__(self, num_classes, margin=0.5, ema_rate=0.01, **kwargs):
        kwargs["threshold"] = kwargs.get("threshold", True)
        super().__init__(num_classes, margin=margin, **kwargs)
        ops.expect_numbers(ema_rate=ema_rate)
        ops.expect(0 < ema_rate <= 1, "ema_rate in (0, 1]", ema_rate=ema_rate)
        self.ema_rate = float(ema_rate)

    def build(self, input_shape):
        """Creates the class centres and the average t."""
        super().build(input_shape)
        self.t = self.add_state("t", 0.0)

    def update_state(self, targets, norms):
        """Takes the global batch's targets into the moving average."""
        mean = distribute.mean_of_all(targets)
        self.t.assign(self.t + self.ema_rate * (mean - self.t))

    def class_cosines(self, cosines, targets):
        """See `MarginHead.class_cosines`."""
        bound = ops.add_angle(targets, self.margin)[:, tf.newaxis]
        return tf.where(cosines > bound, cosines * (self.t + cosines), cosines)

    def get_config(self):
        """The arguments of the constructor, serialisable."""
        return {**super().get_config(), "ema_rate": self.ema_rate}
