"""Every class for itself: above a threshold, or below."""

import tensorflow as tf
from tensorflow import keras

from unpg_tf import ops
from unpg_tf.losses.margin_loss import MarginLoss


@keras.utils.register_keras_serializable("unpg_tf")
class UCELoss(MarginLoss):
    """Unified cross-entropy: one threshold for all samples.

    With z the cosines of `unpg_tf.layers.UniFace`, from which its threshold is
    taken, and clip(x) the nearest number in [-scale, scale],

    loss_i = log(1 + exp(-clip(s z_iy)))
           + sum_(j != y) log(1 + exp(clip(s z_ij)))

    A softmax asks that a sample's target be its highest cosine; this asks that
    the targets of all samples be above the same threshold, and all others
    below, as verification does.

    Args:
        scale: float, above 0: s, that of the head.
        embedding_dim: int, above 0: how many of the last columns of `y_pred`
            are the embedding.
        **kwargs: Arguments of `MarginLoss`.

    Call arguments:
        y_true: [batch] or [batch, 1] integer class ids.
        y_pred: [batch, num_classes + embedding_dim] float tensor: cosines of
            a `UniFace` or `USS` head, then embeddings.

    Raises:
        ValueError: For an argument out of range, or `y_pred` without a
            column for a class.
        tf.errors.InvalidArgumentError: If a label is out of range. In code
            compiled by XLA the loss is NaN instead.

    Example:

    >>> head = unpg_tf.layers.UniFace(num_classes)
    >>> model = unpg_tf.models.EmbeddingModel(backbone, head)
    >>> model.compile("sgd", unpg_tf.losses.UCELoss(embedding_dim=512))

    Reference: Zhou et al., *UniFace: Unified Cross-Entropy Loss for Deep Face
    Recognition*, ICCV 2023.
    """

    def softmax_losses(self, cosines, labels, embeddings):
        """See `MarginLoss.softmax_losses`."""
        return uce_losses(cosines, labels, self.scale), None


def uce_losses(cosines, labels, scale):
    """Each class of each row by itself.

    Args:
        cosines: [batch, num_classes] float tensor, less their threshold.
        labels: [batch] int32 tensor.
        scale: float.

    Returns:
        [batch] float tensor.
    """
    logits = tf.clip_by_value(scale * cosines, -scale, scale)
    # log(1 + exp(-x)) is log(1 + exp(x)) - x.
    losses = tf.reduce_sum(tf.math.softplus(logits), axis=1)
    return losses - ops.targets_of(logits, labels)
