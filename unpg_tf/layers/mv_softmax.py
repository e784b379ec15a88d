"""MV-Softmax: class centres that a sample is mistaken for weigh more."""

import tensorflow as tf
from tensorflow import keras

from unpg_tf import ops
from unpg_tf.layers.margin_head import MarginHead

_KINDS = ("arcface", "cosface")


@keras.utils.register_keras_serializable("unpg_tf")
class MVSoftmax(MarginHead):
    """ArcFace or CosFace, with a greater cosine to centres that are too near.

    A cosine c to another class that exceeds the target with its margin
    becomes weight c + weight - 1. The target gets its margin only where it
    exceeds 0 (`"arcface"`) or the margin (`"cosface"`).

    Args:
        num_classes: int, the number of class centres.
        margin: float, at least 0; radians if `kind` is `"arcface"`.
        weight: float, at least 1; at 1 other classes keep their cosines.
        kind: `"arcface"` or `"cosface"`.
        **kwargs: Arguments of `MarginHead`.

    Example:

    >>> head = unpg_tf.layers.MVSoftmax(1000)
    >>> cosines = head(embeddings, labels)  # [batch, 1000]

    Reference: Wang et al., *Mis-classified Vector Guided Softmax Loss for
    Face Recognition*, AAAI 2020, equation 8 with a fixed weight.
    """

    def __init__(
        self, num_classes, margin=0.35, weight=1.12, kind="cosface", **kwargs
    ):
        super().__init__(num_classes, **kwargs)
        ops.expect(kind in _KINDS, f"kind to be one of {_KINDS}", kind=kind)
        ops.expect_numbers(margin=margin, weight=weight)
        ops.expect(margin >= 0, "margin of at least 0", margin=margin)
        ops.expect(weight >= 1, "weight of at least 1", weight=weight)
        self.margin = float(margin)
        self.weight = float(weight)
        self.kind = kind

    def _with_margin(self, targets):
        if self.kind == "arcface":
            return ops.add_angle(targets, self.margin)
        return targets - self.margin

    def class_cosines(self, cosines, targets):
        """See `MarginHead.class_cosines`."""
        is_hard = cosines > self._with_margin(targets)[:, tf.newaxis]
        raised = self.weight * cosines + self.weight - 1.0
        return tf.where(is_hard, raised, cosines)

    def target_cosines(self, targets, norms):
        """See `MarginHead.target_cosines`."""
        least = 0.0 if self.kind == "arcface" else self.margin
        return tf.where(targets > least, self._with_margin(targets), targets)

    def get_config(self):
        """The arguments of the constructor, serialisable."""
        return {
            **super().get_config(),
            "margin": self.margin,
            "weight": self.weight,
            "kind": self.kind,
        }
