"""What losses of pairs alone have in common: the baselines without centres."""

import abc
import typing

import tensorflow as tf
from tensorflow import keras

from unpg_tf import distribute
from unpg_tf import ops
from unpg_tf.losses.layout import expect_layout
from unpg_tf.losses.margin_loss import MEANS
from unpg_tf.losses.trained_head import expect_dim_of_backbone

# More than any distance or logit, and finite, so that gradients are too.
FAR = 1e9

# Keras hands labels on as float32, in which higher class ids collide.
_MAX_CLASSES = 2**24


class MetricLoss(keras.losses.Loss, abc.ABC):
    """Base of losses that compare embeddings with embeddings.

    Every row is compared with all rows of the global batch, on several
    replicas as on one. Embeddings are brought to unit length. Columns of
    `y_pred` before the embedding, such as the cosines of a head, are not
    used and get no gradient; there need not be any.

    Args:
        embedding_dim: int, above 0: how many of the last columns of `y_pred`
            are the embedding.
        **kwargs: Arguments of `keras.losses.Loss`: `reduction`, `name`.

    Call arguments:
        y_true: [batch] or [batch, 1] integer class ids, below 2**24.
        y_pred: [batch, any + embedding_dim] float tensor.

    Raises:
        ValueError: For an argument out of range, or `y_pred` with fewer
            columns than the embedding has.
        tf.errors.InvalidArgumentError: If a label is out of range.

    Example:

    >>> class Spread(unpg_tf.losses.MetricLoss):
    ...     def row_losses(self, cosines, positive, negative):
    ...         return tf.reduce_max(cosines * tf.cast(negative, "float32"), 1)
    """

    def __init__(self, embedding_dim=512, **kwargs):
        super().__init__(**kwargs)
        ops.expect_counts(embedding_dim=embedding_dim)
        self.embedding_dim = int(embedding_dim)

    def call(self, y_true, y_pred):
        """Computes the [batch] losses."""
        expect_dim_of_backbone(self.embedding_dim)
        y_pred = ops.in_single_precision(y_pred)
        ops.expect(
            y_pred.shape.rank == 2
            and (y_pred.shape[-1] or 0) >= self.embedding_dim,
            f"y_pred with at least {self.embedding_dim} columns",
            shape=tuple(y_pred.shape),
        )
        expect_layout(y_pred.shape[-1], self.embedding_dim)
        units, _ = ops.unit_vectors(y_pred[:, -self.embedding_dim :])
        labels = ops.class_ids(y_true, _MAX_CLASSES, y_pred.shape[0])
        pairs = compared(units, labels)
        losses = self.row_losses(pairs.cosines, pairs.positive, pairs.negative)
        if self.reduction in MEANS:
            losses = distribute.as_global_mean(losses, pairs.rows)
        return losses

    @abc.abstractmethod
    def row_losses(self, cosines, positive, negative):
        """The loss of each local row.

        Args:
            cosines: [local batch, global batch] float tensor.
            positive: bool tensor like it: another image of the same class.
            negative: bool tensor like it: an image of another class.

        Returns:
            [local batch] float tensor.
        """

    def get_config(self):
        """The arguments of the constructor, serialisable."""
        return {**super().get_config(), "embedding_dim": self.embedding_dim}


class Compared(typing.NamedTuple):
    """Each local row beside all rows of the global batch.

    Attributes:
        cosines: [local batch, global batch] float tensor.
        positive: bool tensor like it: another image of the same class.
        negative: bool tensor like it: an image of another class.
        rows: int32 scalar, the rows of the global batch.
    """

    cosines: tf.Tensor
    positive: tf.Tensor
    negative: tf.Tensor
    rows: tf.Tensor


def compared(units, labels):
    """Compares the local rows with those of all replicas.

    Args:
        units: [local batch, dim] float tensor of unit vectors.
        labels: [local batch] int32 tensor.

    Returns:
        A `Compared`.
    """
    all_units, all_labels, numbers = distribute.gather_batch(units, labels)
    cosines = tf.matmul(units, all_units, transpose_b=True)
    same = labels[:, tf.newaxis] == all_labels
    rows = tf.size(all_labels)
    other = numbers[:, tf.newaxis] != tf.range(rows)
    return Compared(cosines, same & other, ~same, rows)


def log_sum(logits, among):
    """Log of the summed exponentials; about -1e9 where there are none."""
    return tf.reduce_logsumexp(tf.where(among, logits, -FAR), axis=1)
