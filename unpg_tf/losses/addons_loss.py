"""The metric losses of TensorFlow Addons, on the global batch."""

import tensorflow as tf
from tensorflow import keras

from unpg_tf import compat
from unpg_tf import distribute
from unpg_tf import ops
from unpg_tf.losses.layout import expect_layout
from unpg_tf.losses.margin_loss import MEANS
from unpg_tf.losses.trained_head import expect_dim_of_backbone

# As `MetricLoss`: Keras hands labels on as float32.
_MAX_CLASSES = 2**24


@keras.utils.register_keras_serializable("unpg_tf")
class AddonsLoss(keras.losses.Loss):
    """A metric loss of TensorFlow Addons, for the paper's comparison.

    Addons' losses give one number for a batch of unit vectors. Each row's
    loss is that number here, of the rows of all replicas, so that any number
    of replicas trains as one device does.

    Classic stack only: Addons ended with TensorFlow 2.15.

    Args:
        addon: name in `tfa.losses`: `TripletSemiHardLoss`, `TripletHardLoss`,
            `LiftedStructLoss`, `NpairsLoss` or `ContrastiveLoss`. N-pairs
            sees the similarities of every two rows, contrastive the
            distances of every pair of rows, once each.
        embedding_dim: int, above 0: how many of the last columns of `y_pred`
            are the embedding.
        options: dict of arguments of the loss, such as
            `{"margin": 0.2, "distance_metric": "squared-L2"}`.
        scale: float, above 0: with `NpairsLoss` the factor of the
            similarities. Unit vectors' are too flat for its softmax.
        global_batch: bool. Whether the rows of all replicas are compared, or
            each replica's own alone, as Addons does by itself. A batch
            without a positive or a negative pair has a loss of 0.
        **kwargs: Arguments of `keras.losses.Loss`: `reduction`, `name`.

    Call arguments:
        y_true: [batch] or [batch, 1] integer class ids, below 2**24.
        y_pred: [batch, any + embedding_dim] float tensor.

    Raises:
        ImportError: On another stack, or where Addons is missing; it says
            what to use instead.
        ValueError: For an argument out of range, or a loss not listed above.

    Example:

    >>> loss = unpg_tf.losses.AddonsLoss(
    ...     "TripletHardLoss", embedding_dim=512, options={"margin": 0.3}
    ... )
    """

    def __init__(
        self,
        addon,
        embedding_dim=512,
        options=None,
        scale=16.0,
        global_batch=True,
        **kwargs,
    ):
        super().__init__(**kwargs)
        ops.expect(
            addon in _INPUTS, f"addon, one of {', '.join(_INPUTS)}", addon=addon
        )
        ops.expect_counts(embedding_dim=embedding_dim)
        ops.expect_numbers(scale=scale)
        ops.expect(scale > 0, "scale above 0", scale=scale)
        self.addon = addon
        self.embedding_dim = int(embedding_dim)
        self.options = dict(options or {})
        self.scale = float(scale)
        self.global_batch = bool(global_batch)
        self._loss = getattr(_addons().losses, addon)(**self.options)

    def call(self, y_true, y_pred):
        """Computes the [batch] losses, all of them the same."""
        expect_dim_of_backbone(self.embedding_dim)
        y_pred = tf.cast(y_pred, tf.float32)
        expect_layout(y_pred.shape[-1], self.embedding_dim)
        units, _ = ops.unit_vectors(y_pred[:, -self.embedding_dim :])
        labels = ops.class_ids(y_true, _MAX_CLASSES, y_pred.shape[0])
        all_rows = None
        if self.global_batch:
            loss, all_rows = distribute.of_all_rows(
                self._of_batch, units, labels
            )
        else:
            loss = self._of_batch(units, labels)
        losses = tf.fill([tf.size(labels)], loss)
        if self.reduction in MEANS:
            losses = distribute.as_global_mean(losses, all_rows)
        return losses

    def _of_batch(self, units, labels):
        same, above = _same(labels), _above(labels)
        # Addons divides by the number of positive pairs, and takes the
        # logarithm of a sum over negative ones.
        return tf.cond(
            tf.reduce_any(same & above) & tf.reduce_any(~same),
            lambda: self._value(labels, units),
            lambda: tf.constant(0.0),
        )

    def _value(self, labels, units):
        inputs = _INPUTS[self.addon](labels, units, self.scale)
        return tf.reduce_mean(self._loss.call(*inputs))

    def get_config(self):
        """The arguments of the constructor, serialisable."""
        return {
            **super().get_config(),
            "addon": self.addon,
            "embedding_dim": self.embedding_dim,
            "options": self.options,
            "scale": self.scale,
            "global_batch": self.global_batch,
        }


def _addons():
    return compat.addons(
        "TripletSemiHardLoss, MultiSimilarityLoss, CircleLoss and NPairLoss of "
        "unpg_tf.losses (--loss=triplet, multi_similarity, circle, npair)"
    )


def _rows(labels, units, scale):
    return labels, units


def _similarities(labels, units, scale):
    return labels, scale * tf.matmul(units, units, transpose_b=True)


def _pairs(labels, units, scale):
    """Whether each pair is of one class, and the distance of its rows."""
    squares = tf.nn.relu(2.0 - 2.0 * tf.matmul(units, units, transpose_b=True))
    # The root's derivative is infinite at 0, where equal rows are.
    distances = tf.sqrt(tf.maximum(squares, 1e-12))
    above = _above(labels)
    same = tf.boolean_mask(_same(labels), above)
    return same, tf.boolean_mask(distances, above)


def _same(labels):
    return tf.equal(labels[:, tf.newaxis], labels)


def _above(labels):
    rows = tf.range(tf.size(labels))
    return rows[:, tf.newaxis] < rows


_INPUTS = {
    "TripletSemiHardLoss": _rows,
    "TripletHardLoss": _rows,
    "LiftedStructLoss": _rows,
    "NpairsLoss": _similarities,
    "ContrastiveLoss": _pairs,
}
