"""UPG: one set of negatives, and pairs among the positives too."""

import math
import numbers

import tensorflow as tf
from tensorflow import keras

from unpg_tf import distribute
from unpg_tf import ops
from unpg_tf.losses.margin_loss import MarginLoss


@keras.utils.register_keras_serializable("unpg_tf")
class UPGLoss(MarginLoss):
    """Unified pairs: centres and images on both sides of the softmax.

    mean over positives p of log(1 + exp(N - s p)),
    N = log(sum_i sum_(j != y_i) exp(s cos_ij) + sum_pq exp(s e_p.e_q))

    N is the same for all positives: every cosine of the global batch to
    another class, and its pairs of two classes, less those above
    Q3 + whisker (Q3 - Q1). In `UNPGLoss` a row's denominator has the cosines
    of that row alone, and the filter cuts both tails.

    Positives are the targets of all rows, and the batch's pairs of one class,
    less what is outside of the whiskers of their own, on both sides, before
    the margin. Their angle grows by the margin, as ArcFace's targets do.

    Each row's loss has its own target's part and an equal part of the pairs':
    with B rows and K kept pairs of one class,
    (B log(1 + exp(N - s cos_iy)) + sum_p log(1 + exp(N - s p))) / (B + K).

    The authors train with two images of each class in a batch, and a dropout
    of 0.3 on the embedding.

    Args:
        scale: float, above 0: s, the inverse temperature.
        whisker: float, at least 0, or infinite for no filter of the pairs of
            two classes.
        positive_whisker: float, likewise, of the pairs of one class.
        margin: float in [0, pi], radians, of the pairs of one class: that of
            the `ArcFace` head.
        embedding_dim: int, above 0: how many of the last columns of `y_pred`
            are the embedding.
        **kwargs: Arguments of `MarginLoss`.

    Call arguments:
        y_true: [batch] or [batch, 1] integer class ids.
        y_pred: [batch, num_classes + embedding_dim] float tensor: cosines
            with the margin applied, then embeddings.

    Raises:
        ValueError: For an argument out of range, or `y_pred` without a
            column for a class. An `EmbeddingModel` also refuses another
            margin than that of its `ArcFace`.
        tf.errors.InvalidArgumentError: If a label is out of range. In code
            compiled by XLA the loss is NaN instead.

    Example:

    >>> head = unpg_tf.layers.ArcFace(num_classes, margin=0.5)
    >>> model = unpg_tf.models.EmbeddingModel(backbone, head)
    >>> loss = unpg_tf.losses.UPGLoss(margin=0.5, embedding_dim=512)
    >>> model.compile("sgd", loss)

    Reference: the follow-up of UNPG's authors, for embeddings of source code.
    """

    def __init__(
        self,
        scale=64.0,
        whisker=2.0,
        positive_whisker=2.0,
        margin=0.5,
        embedding_dim=512,
        **kwargs,
    ):
        super().__init__(scale=scale, embedding_dim=embedding_dim, **kwargs)
        whiskers = {"whisker": whisker, "positive_whisker": positive_whisker}
        for name, value in whiskers.items():
            ops.expect(
                isinstance(value, numbers.Real) and value >= 0,
                f"{name} of at least 0",
                **{name: value},
            )
        ops.expect_numbers(margin=margin)
        ops.expect(
            0 <= margin <= math.pi, "margin in [0, pi] radians", margin=margin
        )
        self.whisker = float(whisker)
        self.positive_whisker = float(positive_whisker)
        self.margin = float(margin)

    def softmax_losses(self, cosines, labels, embeddings):
        """See `MarginLoss.softmax_losses`."""
        units, all_labels, _ = distribute.gather_batch(embeddings, labels)
        pairs = ops.similarities(units)
        of_classes = ops.log_mass_of_others(
            cosines, labels, tf.shape(cosines)[1], self.scale
        )
        of_pairs = self._log_mass(pairs, all_labels)[tf.newaxis]
        masses = [distribute.all_gather(of_classes), of_pairs]
        negatives = tf.reduce_logsumexp(tf.concat(masses, axis=0))
        targets = ops.targets_of(cosines, labels)
        losses = tf.math.softplus(negatives - self.scale * targets)
        total, count = self._of_positives(pairs, all_labels, negatives)
        rows = tf.size(all_labels)
        of_rows = tf.cast(rows, losses.dtype)
        return (of_rows * losses + total) / (of_rows + count), rows

    def _log_mass(self, pairs, labels):
        kept = ops.kept_pairs(
            pairs, ops.negative_pairs(labels), self.whisker, upper_only=True
        )
        return ops.log_mass(pairs, kept, self.scale)

    def _of_positives(self, pairs, labels, negatives):
        """The sum over the kept pairs of one class, and their number."""
        positive = ops.positive_pairs(labels)
        kept = ops.kept_pairs(pairs, positive, self.positive_whisker)
        kept = tf.cast(kept, pairs.dtype)
        logits = self.scale * ops.add_angle(pairs, self.margin)
        losses = kept * tf.math.softplus(negatives - logits)
        return tuple(
            tf.reduce_sum(tf.reduce_sum(values, axis=-1))
            for values in (losses, kept)
        )

    def get_config(self):
        """The arguments of the constructor, serialisable."""
        return {
            **super().get_config(),
            "whisker": self.whisker,
            "positive_whisker": self.positive_whisker,
            "margin": self.margin,
        }
