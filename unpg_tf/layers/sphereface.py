"""SphereFace: a factor on the angle, eased in."""

import math

import tensorflow as tf
from tensorflow import keras

from unpg_tf import ops
from unpg_tf.layers.margin_head import MarginHead


@keras.utils.register_keras_serializable("unpg_tf")
class SphereFace(MarginHead):
    """Multiplicative angular margin, annealed from no margin at all.

    The target t = cos(theta) becomes (w t + psi(theta)) / (w + 1), where psi
    is cos(margin theta) continued so that it falls over all of [0, pi], and
    w = max(anneal_floor, anneal_start / (1 + anneal_rate step)).

    Args:
        num_classes: int, the number of class centres.
        margin: float, at least 1. Factor of the angle; 1.5 to 4 are usual.
        anneal_start: float, at least 0. The weight of the plain cosine at
            the first step.
        anneal_rate: float, at least 0. How fast that weight falls.
        anneal_floor: float, at least 0. Where it stops.
        **kwargs: Arguments of `MarginHead`.

    Attributes:
        step: Scalar weight, the number of training steps seen.

    Example:

    >>> head = unpg_tf.layers.SphereFace(1000, margin=1.5)
    >>> cosines = head(embeddings, labels, training=True)  # [batch, 1000]

    Reference: Liu et al., *SphereFace: Deep Hypersphere Embedding for Face
    Recognition*, CVPR 2017, equation 6 and the annealing of its appendix.
    """

    def __init__(
        self,
        num_classes,
        margin=1.5,
        anneal_start=1000.0,
        anneal_rate=0.12,
        anneal_floor=5.0,
        **kwargs,
    ):
        super().__init__(num_classes, **kwargs)
        ops.expect_numbers(
            margin=margin,
            anneal_start=anneal_start,
            anneal_rate=anneal_rate,
            anneal_floor=anneal_floor,
        )
        ops.expect(margin >= 1, "margin of at least 1", margin=margin)
        ops.expect(
            min(anneal_start, anneal_rate, anneal_floor) >= 0,
            "annealing arguments of at least 0",
            anneal_start=anneal_start,
            anneal_rate=anneal_rate,
            anneal_floor=anneal_floor,
        )
        self.margin = float(margin)
        self.anneal_start = float(anneal_start)
        self.anneal_rate = float(anneal_rate)
        self.anneal_floor = float(anneal_floor)

    def build(self, input_shape):
        """Creates the class centres and the step counter."""
        super().build(input_shape)
        self.step = self.add_state("step", 0, dtype="int64")

    def update_state(self, targets, norms):
        """Counts the step."""
        self.step.assign(self.step + 1)

    def target_cosines(self, targets, norms):
        """See `MarginHead.target_cosines`."""
        angles = self.margin * ops.angle_of(targets)
        turns = tf.floor(angles / math.pi)
        sign = 1.0 - 2.0 * tf.math.floormod(turns, 2.0)
        psi = sign * tf.cos(angles) - 2.0 * turns
        step = tf.cast(self.step, targets.dtype)
        plain = tf.maximum(
            self.anneal_start / (1.0 + self.anneal_rate * step),
            self.anneal_floor,
        )
        return (plain * targets + psi) / (plain + 1.0)

    def get_config(self):
        """The arguments of the constructor, serialisable."""
        return {
            **super().get_config(),
            "margin": self.margin,
            "anneal_start": self.anneal_start,
            "anneal_rate": self.anneal_rate,
            "anneal_floor": self.anneal_floor,
        }
