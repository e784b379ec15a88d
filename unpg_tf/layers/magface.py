"""MagFace: a margin that grows with the embedding's length."""

import tensorflow as tf
from tensorflow import keras

from unpg_tf import ops
from unpg_tf.layers.margin_head import MarginHead


@keras.utils.register_keras_serializable("unpg_tf")
class MagnitudePenalty:
    """What an embedding's length a costs: weight (a / upper**2 + 1 / a).

    It falls up to `upper_norm`, so that good images are drawn towards long
    embeddings. Lengths are clipped to the bounds; beyond them there is no
    gradient.

    Args:
        lower_norm: float, above 0.
        upper_norm: float, above `lower_norm`.
        weight: float, at least 0.

    Example:

    >>> penalty = MagnitudePenalty(10.0, 110.0, weight=35.0)
    >>> penalty(tf.constant([50.0]))  # 35 (50 / 110**2 + 1 / 50)
    <tf.Tensor: shape=(1,), dtype=float32, numpy=array([0.8446281], ...)>

    Reference: Meng et al., *MagFace: A Universal Representation for Face
    Recognition and Quality Assessment*, CVPR 2021, its regulariser g.
    """

    def __init__(self, lower_norm, upper_norm, weight):
        ops.expect_numbers(
            lower_norm=lower_norm, upper_norm=upper_norm, weight=weight
        )
        ops.expect(
            0 < lower_norm < upper_norm,
            "0 < lower_norm < upper_norm",
            lower_norm=lower_norm,
            upper_norm=upper_norm,
        )
        ops.expect(weight >= 0, "weight of at least 0", weight=weight)
        self.lower_norm = float(lower_norm)
        self.upper_norm = float(upper_norm)
        self.weight = float(weight)

    def __call__(self, norms):
        """Maps [batch] lengths to [batch] losses."""
        a = tf.clip_by_value(norms, self.lower_norm, self.upper_norm)
        return self.weight * (a / self.upper_norm**2 + 1.0 / a)

    def get_config(self):
        """The arguments of the constructor, serialisable."""
        return {
            "lower_norm": self.lower_norm,
            "upper_norm": self.upper_norm,
            "weight": self.weight,
        }

    @classmethod
    def from_config(cls, config):
        """The penalty of a config that `get_config` has made."""
        return cls(**config)


@keras.utils.register_keras_serializable("unpg_tf")
class MagFace(MarginHead):
    """Angular margin m(a), linear in the clipped length a of the embedding.

    The target t = cos(theta) becomes cos(theta + m(a)) where t > 0, and
    stays elsewhere. Gradients reach the length through the margin.

    `norm_penalty` is the regulariser that belongs to it. `EmbeddingModel`
    hands it to the loss; in a model of your own give it yourself:
    `UNPGLoss(..., norm_penalty=head.norm_penalty)`.

    Args:
        num_classes: int, the number of class centres.
        lower_margin: float, radians: the margin at `lower_norm`.
        upper_margin: float, radians, at least `lower_margin`: the margin at
            `upper_norm`.
        lower_norm: float, above 0.
        upper_norm: float, above `lower_norm`.
        regularization: float, at least 0. Weight of the regulariser.
        **kwargs: Arguments of `MarginHead`.

    Example:

    >>> head = unpg_tf.layers.MagFace(1000)
    >>> cosines = head(embeddings, labels)  # [batch, 1000]

    Reference: Meng et al., *MagFace*, CVPR 2021.
    """

    def __init__(
        self,
        num_classes,
        lower_margin=0.45,
        upper_margin=0.8,
        lower_norm=10.0,
        upper_norm=110.0,
        regularization=35.0,
        **kwargs,
    ):
        super().__init__(num_classes, **kwargs)
        ops.expect_numbers(
            lower_margin=lower_margin,
            upper_margin=upper_margin,
            regularization=regularization,
        )
        ops.expect(
            regularization >= 0,
            "regularization of at least 0",
            regularization=regularization,
        )
        ops.expect(
            0 <= lower_margin <= upper_margin,
            "0 <= lower_margin <= upper_margin, in radians",
            lower_margin=lower_margin,
            upper_margin=upper_margin,
        )
        self._norm_penalty = MagnitudePenalty(
            lower_norm, upper_norm, regularization
        )
        self.lower_margin = float(lower_margin)
        self.upper_margin = float(upper_margin)
        self.lower_norm = float(lower_norm)
        self.upper_norm = float(upper_norm)
        self.regularization = float(regularization)

    @property
    def norm_penalty(self):
        """The `MagnitudePenalty` that belongs to this head."""
        return self._norm_penalty

    def target_cosines(self, targets, norms):
        """See `MarginHead.target_cosines`."""
        norms = tf.clip_by_value(norms, self.lower_norm, self.upper_norm)
        slope = (self.upper_margin - self.lower_margin) / (
            self.upper_norm - self.lower_norm
        )
        margins = self.lower_margin + slope * (norms - self.lower_norm)
        return tf.where(targets > 0, ops.add_angle(targets, margins), targets)

    def get_config(self):
        """The arguments of the constructor, serialisable."""
        return {
            **super().get_config(),
            "lower_margin": self.lower_margin,
            "upper_margin": self.upper_margin,
            "lower_norm": self.lower_norm,
            "upper_norm": self.upper_norm,
            "regularization": self.regularization,
        }
