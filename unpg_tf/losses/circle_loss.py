"""The circle loss of pairs."""

import tensorflow as tf
from tensorflow import keras

from unpg_tf import ops
from unpg_tf.losses.metric_loss import MetricLoss
from unpg_tf.losses.metric_loss import log_sum


@keras.utils.register_keras_serializable("unpg_tf")
class CircleLoss(MetricLoss):
    """Pairs weighed by how far each is from where it should be.

    loss_i = log(1 + sum_n exp(g a_n (s_n - m)) sum_p exp(-g a_p (s_p - 1 + m)))
    with a_n = relu(s_n + m) and a_p = relu(1 + m - s_p), without gradient.

    Args:
        margin: float in [0, 1]: m.
        gamma: float, above 0: g.
        **kwargs: Arguments of `MetricLoss`.

    Reference: Sun et al., *Circle Loss*, CVPR 2020, equation 6.
    """

    def __init__(self, margin=0.25, gamma=256.0, **kwargs):
        super().__init__(**kwargs)
        ops.expect_numbers(margin=margin, gamma=gamma)
        ops.expect(0 <= margin <= 1, "margin in [0, 1]", margin=margin)
        ops.expect(gamma > 0, "gamma above 0", gamma=gamma)
        self.margin = float(margin)
        self.gamma = float(gamma)

    def row_losses(self, cosines, positive, negative):
        """See `MetricLoss.row_losses`."""
        m = self.margin
        fixed = tf.stop_gradient(cosines)
        pull = -tf.nn.relu(1 + m - fixed) * (cosines - (1 - m))
        push = tf.nn.relu(fixed + m) * (cosines - m)
        return tf.math.softplus(
            log_sum(self.gamma * pull, positive)
            + log_sum(self.gamma * push, negative)
        )

    def get_config(self):
        """The arguments of the constructor, serialisable."""
        return {
            **super().get_config(),
            "margin": self.margin,
            "gamma": self.gamma,
        }
