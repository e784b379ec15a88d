"""ElasticFace: a margin drawn anew for each sample."""

import math

import tensorflow as tf
from tensorflow import keras

from unpg_tf import distribute
from unpg_tf import ops
from unpg_tf.layers.margin_head import MarginHead

_KINDS = ("arcface", "cosface")

_PHILOX = tf.random.Algorithm.PHILOX.value
# Draws to one count of its counter.
_BLOCK = 4


@keras.utils.register_keras_serializable("unpg_tf")
class ElasticFace(MarginHead):
    """ArcFace or CosFace with a random margin for each sample and step.

    Margins come from a normal distribution. A sample's draw depends on the
    seed, the number of training steps seen, and the sample's place in the
    global batch, so that replicas draw what one device would.

    Args:
        num_classes: int, the number of class centres.
        margin: float, at least 0. Mean of the margin; radians if `kind` is
            `"arcface"`. Defaults to 0.5 for ArcFace, 0.35 for CosFace.
        std: float, at least 0. Standard deviation of the margin.
        kind: `"arcface"` or `"cosface"`.
        seed: int.
        **kwargs: Arguments of `MarginHead`.

    Attributes:
        step: Scalar weight, the number of training steps seen.

    Example:

    >>> head = unpg_tf.layers.ElasticFace(1000, kind="cosface")
    >>> cosines = head(embeddings, labels, training=True)  # [batch, 1000]

    Reference: Boutros et al., *ElasticFace: Elastic Margin Loss for Deep
    Face Recognition*, CVPR Workshops 2022.
    """

    def __init__(
        self,
        num_classes,
        margin=None,
        std=0.05,
        kind="arcface",
        seed=0,
        **kwargs,
    ):
        super().__init__(num_classes, **kwargs)
        ops.expect(kind in _KINDS, f"kind to be one of {_KINDS}", kind=kind)
        if margin is None:
            margin = 0.5 if kind == "arcface" else 0.35
        ops.expect_numbers(margin=margin, std=std)
        ops.expect(margin >= 0, "margin of at least 0", margin=margin)
        ops.expect(std >= 0, "std of at least 0", std=std)
        self.margin = float(margin)
        self.std = float(std)
        self.kind = kind
        self.seed = int(seed)

    def build(self, input_shape):
        """Creates the class centres and the step counter."""
        super().build(input_shape)
        self.step = self.add_state("step", 0, dtype="int64")

    def update_state(self, targets, norms):
        """Counts the step."""
        self.step.assign(self.step + 1)

    def target_cosines(self, targets, norms):
        """See `MarginHead.target_cosines`."""
        step = tf.convert_to_tensor(self.step)
        seed = tf.stack([tf.cast(self.seed, step.dtype), step])
        draws = _normals(seed, distribute.first_row(targets), targets)
        draws = tf.cast(draws, targets.dtype)
        margins = self.margin + self.std * draws
        if self.kind == "cosface":
            return targets - margins
        return ops.add_angle(targets, margins)

    def get_config(self):
        """The arguments of the constructor, serialisable."""
        return {
            **super().get_config(),
            "margin": self.margin,
            "std": self.std,
            "kind": self.kind,
            "seed": self.seed,
        }


def _normals(seed, first, rows):
    """A float32 draw for each of the rows, the same with and without XLA.

    They are those from number `first` on of one sequence for all replicas.
    """
    count = tf.shape(rows)[0] if rows.shape[0] is None else rows.shape[0]
    # XLA's own normals are others; the bits they are made of agree.
    key, counter = tf.raw_ops.StatelessRandomGetKeyCounter(seed=seed)
    block = tf.stack([tf.cast(first // _BLOCK, tf.int64), 0])
    counter = tf.bitcast(tf.bitcast(counter, tf.int64) + block, tf.uint64)
    bits = tf.raw_ops.StatelessRandomUniformFullIntV2(
        shape=[count + _BLOCK],
        key=key,
        counter=counter,
        alg=_PHILOX,
        dtype=tf.int32,
    )
    bits = tf.slice(bits, [first % _BLOCK], [count])
    # 23 bits, between the representable ends: exact in float32, never +-1.
    uniform = (
        tf.cast(tf.bitwise.right_shift(bits, 9), tf.float32) + 0.5
    ) / 2.0**22
    return math.sqrt(2.0) * tf.math.erfinv(uniform)
