"""The softmax of margin heads."""

import tensorflow as tf
from tensorflow import keras

from unpg_tf import distribute
from unpg_tf import ops
from unpg_tf.losses.layout import expect_layout
from unpg_tf.losses.layout import warn_without_margin
from unpg_tf.losses.trained_head import expect_dim_of_backbone
from unpg_tf.losses.trained_head import norm_penalty_of_head

# Reductions that average over the rows.
MEANS = ("auto", "sum_over_batch_size", "mean")


@keras.utils.register_keras_serializable("unpg_tf")
class MarginLoss(keras.losses.Loss):
    """Cross-entropy of scaled cosines: a margin head's own loss.

    loss_i = -s cos_iy + log sum_j exp(s cos_ij)

    The same softmax as `UNPGLoss` without the negative pairs, so that the two
    differ in UNPG alone. It computes in float32 whatever it is given, and on
    several replicas its gradients are those of one device, also where the
    replicas' batches differ in size.

    Args:
        scale: float, above 0: s, the inverse temperature.
        embedding_dim: int, above 0: how many of the last columns of `y_pred`
            are the embedding.
        norm_penalty: A serialisable callable, [batch] lengths of embeddings
            to [batch] losses, added to each row (see `MagFace`); or `None`:
            within an `EmbeddingModel` for that of its head, else for none.
        **kwargs: Arguments of `keras.losses.Loss`: `reduction`, `name`. On
            several replicas Keras 3's "mean_with_sample_weight" is each
            replica's own mean, not that of the batch.

    Call arguments:
        y_true: [batch] or [batch, 1] integer class ids.
        y_pred: [batch, num_classes + embedding_dim] float tensor: cosines
            with the margin applied, then embeddings. Under a half-precision
            policy concatenate them with `Concatenate(dtype="float32")`.

    Raises:
        ValueError: For an argument out of range, or `y_pred` without a
            column for a class.
        tf.errors.InvalidArgumentError: If a label is out of range. In code
            compiled by XLA the loss is NaN instead.

    Example:

    >>> cosines = head(embeddings, labels)
    >>> y_pred = keras.layers.Concatenate()([cosines, embeddings])
    >>> loss = unpg_tf.losses.MarginLoss(scale=64.0, embedding_dim=512)
    >>> loss(labels, y_pred)

    Reference: Wang et al., *CosFace*, CVPR 2018; Deng et al., *ArcFace*,
    CVPR 2019.
    """

    def __init__(
        self,
        scale=64.0,
        embedding_dim=512,
        norm_penalty=None,
        **kwargs,
    ):
        super().__init__(**kwargs)
        ops.expect_numbers(scale=scale)
        ops.expect(scale > 0, "scale above 0", scale=scale)
        ops.expect_counts(embedding_dim=embedding_dim)
        ops.expect(
            norm_penalty is None or callable(norm_penalty),
            "norm_penalty, a callable or None",
            norm_penalty=norm_penalty,
        )
        self.scale = float(scale)
        self.embedding_dim = int(embedding_dim)
        self.norm_penalty = norm_penalty

    def call(self, y_true, y_pred):
        """Computes the [batch] losses."""
        expect_dim_of_backbone(self.embedding_dim)
        y_pred = ops.in_single_precision(y_pred)
        width = y_pred.shape[-1]
        ops.expect(
            y_pred.shape.rank == 2
            and (width is None or width > self.embedding_dim),
            "y_pred of shape [batch, num_classes + embedding_dim], with "
            f"embedding_dim={self.embedding_dim}",
            shape=tuple(y_pred.shape),
        )
        expect_layout(width, self.embedding_dim)
        warn_without_margin(width, self.embedding_dim)
        if width is None:  # That of a sample may follow the batch.
            width = tf.shape(y_pred)[1]
        num_classes = width - self.embedding_dim
        cosines, embeddings = tf.split(
            y_pred, [num_classes, self.embedding_dim], axis=1
        )
        embeddings = tf.ensure_shape(embeddings, [None, self.embedding_dim])
        labels = ops.class_ids(y_true, num_classes, y_pred.shape[0])
        embeddings, norms = ops.unit_vectors(embeddings)
        losses, all_rows = self.softmax_losses(cosines, labels, embeddings)
        norm_penalty = self.norm_penalty or norm_penalty_of_head()
        if norm_penalty is not None:
            losses += norm_penalty(norms)
        if self.reduction in MEANS:
            losses = distribute.as_global_mean(losses, all_rows)
        return losses

    def softmax_losses(self, cosines, labels, embeddings):
        """The cross-entropy of each row.

        Args:
            cosines: [local batch, num_classes] float tensor.
            labels: [local batch] int32 tensor.
            embeddings: [local batch, embedding_dim] unit vectors.

        Returns:
            A tuple of the [local batch] losses, and of the number of rows of
            the global batch, or `None` where it hasn't been counted.
        """
        return ops.softmax_loss(cosines, labels, self.scale), None

    def get_config(self):
        """The arguments of the constructor, serialisable."""
        return {
            **super().get_config(),
            "scale": self.scale,
            "embedding_dim": self.embedding_dim,
            "norm_penalty": keras.utils.serialize_keras_object(
                self.norm_penalty
            ),
        }

    @classmethod
    def from_config(cls, config):
        """The loss of a config that `get_config` has made."""
        penalty = config.get("norm_penalty")
        penalty = keras.utils.deserialize_keras_object(penalty)
        return cls(**{**config, "norm_penalty": penalty})
