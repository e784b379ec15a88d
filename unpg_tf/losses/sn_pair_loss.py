"""The SN-pair loss: every positive pair against all negative ones."""

import math

import tensorflow as tf
from tensorflow import keras

from unpg_tf import distribute
from unpg_tf import ops
from unpg_tf.losses.metric_loss import MetricLoss
from unpg_tf.losses.metric_loss import log_sum


@keras.utils.register_keras_serializable("unpg_tf")
class SNPairLoss(MetricLoss):
    """Each positive pair in a softmax with all negative pairs of the batch.

    mean over positive pairs p of log(1 + sum_n exp(s (c_n - c_p)))

    c are cosines. `NPairLoss` compares a positive with the negatives of its
    own row; this one with those of the global batch, each pair once. They are
    reduced once per batch by log-sum-exp: a batch of B samples costs B².

    Args:
        scale: float, above 0: s.
        **kwargs: Arguments of `MetricLoss`.

    Example:

    >>> model = unpg_tf.models.EmbeddingModel(backbone, head)
    >>> loss = unpg_tf.losses.SNPairLoss(embedding_dim=512)
    >>> model.compile("sgd", loss)  # the head stays as it is

    Reference: Jung et al., *MixFace: Improving Face Verification Focusing on
    Fine-grained Conditions*, ICCV Workshops 2021.
    """

    def __init__(self, scale=64.0, **kwargs):
        super().__init__(**kwargs)
        ops.expect_numbers(scale=scale)
        ops.expect(scale > 0, "scale above 0", scale=scale)
        self.scale = float(scale)

    def row_losses(self, cosines, positive, negative):
        """See `MetricLoss.row_losses`."""
        return sn_pair_losses(cosines, positive, negative, self.scale)

    def get_config(self):
        """The arguments of the constructor, serialisable."""
        return {**super().get_config(), "scale": self.scale}


def sn_pair_losses(cosines, positive, negative, scale):
    """What each local row has of the mean over the positive pairs.

    Args:
        cosines: [local batch, global batch] float tensor.
        positive: bool tensor like it: another image of the same class.
        negative: bool tensor like it: an image of another class.
        scale: float, or scalar float tensor.

    Returns:
        [local batch] float tensor, whose mean over the global batch is that
        over its positive pairs; 0 where there are none.
    """
    logits = scale * cosines
    of_rows = distribute.all_gather(log_sum(logits, negative))
    # Each pair stands in two rows.
    negatives = tf.reduce_logsumexp(of_rows) - math.log(2.0)
    positive = tf.cast(positive, logits.dtype)
    losses = positive * tf.math.softplus(negatives - logits)
    mean_count = distribute.mean_of_all(tf.reduce_sum(positive, axis=1))
    return tf.math.divide_no_nan(tf.reduce_sum(losses, axis=1), mean_count)
