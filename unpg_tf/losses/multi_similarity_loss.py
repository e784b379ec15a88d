"""The multi-similarity loss."""

import tensorflow as tf
from tensorflow import keras

from unpg_tf import ops
from unpg_tf.losses.metric_loss import FAR
from unpg_tf.losses.metric_loss import MetricLoss
from unpg_tf.losses.metric_loss import log_sum


@keras.utils.register_keras_serializable("unpg_tf")
class MultiSimilarityLoss(MetricLoss):
    """Pairs weighed by their own and their neighbours' similarity.

    loss_i = log(1 + sum_p exp(-alpha (s_ip - base))) / alpha
           + log(1 + sum_n exp(beta (s_in - base))) / beta

    over positives less than `epsilon` above the hardest negative, and
    negatives less than `epsilon` below the hardest positive.

    Args:
        alpha, beta: floats, above 0.
        base: float.
        epsilon: float, at least 0.
        **kwargs: Arguments of `MetricLoss`.

    Reference: Wang et al., *Multi-Similarity Loss*, CVPR 2019.
    """

    def __init__(self, alpha=2.0, beta=50.0, base=0.5, epsilon=0.1, **kwargs):
        super().__init__(**kwargs)
        ops.expect_numbers(alpha=alpha, beta=beta, base=base, epsilon=epsilon)
        ops.expect(
            min(alpha, beta) > 0, "alpha, beta above 0", alpha=alpha, beta=beta
        )
        ops.expect(epsilon >= 0, "epsilon of at least 0", epsilon=epsilon)
        self.alpha = float(alpha)
        self.beta = float(beta)
        self.base = float(base)
        self.epsilon = float(epsilon)

    def row_losses(self, cosines, positive, negative):
        """See `MetricLoss.row_losses`."""
        nearest = _hardest(cosines, negative, tf.reduce_max, -FAR)
        furthest = _hardest(cosines, positive, tf.reduce_min, FAR)
        pulled = positive & (cosines < nearest + self.epsilon)
        pushed = negative & (cosines > furthest - self.epsilon)
        above = cosines - self.base
        pull = tf.math.softplus(log_sum(-self.alpha * above, pulled))
        push = tf.math.softplus(log_sum(self.beta * above, pushed))
        return pull / self.alpha + push / self.beta

    def get_config(self):
        """The arguments of the constructor, serialisable."""
        return {
            **super().get_config(),
            "alpha": self.alpha,
            "beta": self.beta,
            "base": self.base,
            "epsilon": self.epsilon,
        }


def _hardest(cosines, among, reduce, nothing):
    cosines = tf.stop_gradient(cosines)
    return reduce(tf.where(among, cosines, nothing), axis=1, keepdims=True)
