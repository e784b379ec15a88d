"""UniTSFace's loss: a softmax, and each newest sample by itself."""

import tensorflow as tf
from tensorflow import keras

from unpg_tf import ops
from unpg_tf.losses.margin_loss import MarginLoss
from unpg_tf.losses.uce_loss import uce_losses


@keras.utils.register_keras_serializable("unpg_tf")
class UniTSFaceLoss(MarginLoss):
    """The sum of CosFace's softmax and of the unified cross-entropy of USS.

    `MarginLoss` of the cosines to the class centres, and `UCELoss` of those to
    the newest embeddings, as `unpg_tf.layers.UniTSFace` gives both. Its
    `cosface_steps` tells when the second part begins.

    Args:
        scale: float, above 0: that of the head.
        embedding_dim: int, above 0: how many of the last columns of `y_pred`
            are the embedding.
        **kwargs: Arguments of `MarginLoss`.

    Call arguments:
        y_true: [batch] or [batch, 1] integer class ids.
        y_pred: [batch, 2 num_classes + embedding_dim] float tensor: cosines
            of a `UniTSFace` head, then embeddings.

    Raises:
        ValueError: For an argument out of range, or `y_pred` without two
            columns for each class.
        tf.errors.InvalidArgumentError: If a label is out of range. In code
            compiled by XLA the loss is NaN instead.

    Example:

    >>> head = unpg_tf.layers.UniTSFace(num_classes, cosface_steps=1000)
    >>> model = unpg_tf.models.EmbeddingModel(backbone, head)
    >>> model.compile("sgd", unpg_tf.losses.UniTSFaceLoss(embedding_dim=512))

    Reference: Li et al., *UniTSFace: Unified Threshold Integrated
    Sample-to-Sample Loss for Face Recognition*, NeurIPS 2023.
    """

    def softmax_losses(self, cosines, labels, embeddings):
        """See `MarginLoss.softmax_losses`."""
        columns = cosines.shape[1]
        ops.expect(
            columns is None or columns % 2 == 0,
            "two columns for each class, as those of a UniTSFace head",
            columns=columns,
        )
        to_centers, to_samples = tf.split(cosines, 2, axis=1)
        losses = ops.softmax_loss(to_centers, labels, self.scale)
        return losses + uce_losses(to_samples, labels, self.scale), None
