"""The N-pair loss."""

import tensorflow as tf
from tensorflow import keras

from unpg_tf import ops
from unpg_tf.losses.metric_loss import MetricLoss
from unpg_tf.losses.metric_loss import log_sum


@keras.utils.register_keras_serializable("unpg_tf")
class NPairLoss(MetricLoss):
    """Each positive in a softmax with all negatives of its row.

    loss_i = mean over positives p of log(1 + sum_n exp(s (c_in - c_ip)))

    Args:
        scale: float, above 0: s.
        **kwargs: Arguments of `MetricLoss`.

    Reference: Sohn, *Improved Deep Metric Learning with Multi-class N-pair
    Loss Objective*, NeurIPS 2016, on unit vectors.
    """

    def __init__(self, scale=16.0, **kwargs):
        super().__init__(**kwargs)
        ops.expect_numbers(scale=scale)
        ops.expect(scale > 0, "scale above 0", scale=scale)
        self.scale = float(scale)

    def row_losses(self, cosines, positive, negative):
        """See `MetricLoss.row_losses`."""
        logits = self.scale * cosines
        negatives = log_sum(logits, negative)[:, tf.newaxis]
        losses = tf.math.softplus(negatives - logits)
        positive = tf.cast(positive, losses.dtype)
        return tf.math.divide_no_nan(
            tf.reduce_sum(positive * losses, axis=1),
            tf.reduce_sum(positive, axis=1),
        )

    def get_config(self):
        """The arguments of the constructor, serialisable."""
        return {**super().get_config(), "scale": self.scale}
