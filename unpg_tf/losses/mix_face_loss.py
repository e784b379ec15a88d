"""MixFace: a margin softmax and the SN-pair loss, at scales of their own."""

import math

import tensorflow as tf
from tensorflow import keras

from unpg_tf import distribute
from unpg_tf import ops
from unpg_tf.losses.margin_loss import MarginLoss
from unpg_tf.losses.metric_loss import compared
from unpg_tf.losses.sn_pair_loss import sn_pair_losses


@keras.utils.register_keras_serializable("unpg_tf")
class MixFaceLoss(MarginLoss):
    """ArcFace's softmax and the SN-pair loss, with scales that follow.

    loss_i = -s1 cos_iy + log sum_j exp(s1 cos_ij)
           + mean over positive pairs p of log(1 + sum_n exp(s2 (c_n - c_p)))

    The second part compares the pairs of the global batch, as `SNPairLoss`
    does. Both scales follow from the number of negatives and from how small
    a loss is asked for, L = log(1 - error) - log(error):

    s1 = (log(num_classes - 1) + L) / cos(margin), s2 = log(negative pairs) + L

    Args:
        num_classes: int, at least 2: that of the head, also where it samples
            or divides its classes.
        margin: float in [0, pi / 2), radians: that of the `ArcFace` head.
        error: float in (0, 0.5): the probability of a wrong answer in either
            softmax where all cosines are as good as they can be.
        embedding_dim: int, above 0: how many of the last columns of `y_pred`
            are the embedding.
        **kwargs: Arguments of `MarginLoss`, but `scale`.

    Attributes:
        scale: float, s1.

    Call arguments:
        y_true: [batch] or [batch, 1] integer class ids.
        y_pred: [batch, num_classes + embedding_dim] float tensor: cosines
            with the margin applied, then embeddings.

    Raises:
        ValueError: For an argument out of range, or `y_pred` without a
            column for a class. An `EmbeddingModel` also refuses one with
            another number of classes than its head, or another margin than
            its `ArcFace`.
        tf.errors.InvalidArgumentError: If a label is out of range. In code
            compiled by XLA the loss is NaN instead.

    Example:

    >>> head = unpg_tf.layers.ArcFace(num_classes, margin=0.5)
    >>> model = unpg_tf.models.EmbeddingModel(backbone, head)
    >>> loss = unpg_tf.losses.MixFaceLoss(head.num_classes, head.margin)
    >>> model.compile("sgd", loss)

    Reference: Jung et al., *MixFace: Improving Face Verification Focusing on
    Fine-grained Conditions*, ICCV Workshops 2021.
    """

    def __init__(
        self,
        num_classes,
        margin=0.5,
        error=1e-22,
        embedding_dim=512,
        **kwargs,
    ):
        ops.expect_counts(num_classes=num_classes)
        ops.expect_numbers(margin=margin, error=error)
        ops.expect(
            num_classes > 1,
            "num_classes of at least 2",
            num_classes=num_classes,
        )
        ops.expect(
            0 <= margin < math.pi / 2,
            "margin in [0, pi / 2) radians",
            margin=margin,
        )
        ops.expect(0 < error < 0.5, "error in (0, 0.5)", error=error)
        self.num_classes = int(num_classes)
        self.margin = float(margin)
        self.error = float(error)
        scale = math.log(self.num_classes - 1) + self._log_odds
        super().__init__(
            scale=scale / math.cos(margin),
            embedding_dim=embedding_dim,
            **kwargs,
        )

    @property
    def _log_odds(self):
        return math.log1p(-self.error) - math.log(self.error)

    def softmax_losses(self, cosines, labels, embeddings):
        """See `MarginLoss.softmax_losses`."""
        losses = ops.softmax_loss(cosines, labels, self.scale)
        pairs = compared(embeddings, labels)
        of_rows = tf.cast(pairs.negative, losses.dtype)
        mean = distribute.mean_of_all(tf.reduce_sum(of_rows, axis=1))
        # Each pair stands in two rows.
        count = mean * tf.cast(pairs.rows, mean.dtype) / 2.0
        scale = tf.math.log(tf.maximum(count, 1.0)) + self._log_odds
        losses += sn_pair_losses(
            pairs.cosines, pairs.positive, pairs.negative, scale
        )
        return losses, pairs.rows

    def get_config(self):
        """The arguments of the constructor, serialisable."""
        config = super().get_config()
        del config["scale"]
        return {
            **config,
            "num_classes": self.num_classes,
            "margin": self.margin,
            "error": self.error,
        }
