"""AdaCos: no margin, and a scale that follows the training."""

import math

import tensorflow as tf
from tensorflow import keras

from unpg_tf import distribute
from unpg_tf import ops
from unpg_tf.layers.margin_head import MarginHead


@keras.utils.register_keras_serializable("unpg_tf")
class AdaCos(MarginHead):
    """A softmax without margin, whose scale is computed and not chosen.

    A training step first updates the scale s, from the global batch:

    s = log(mean_i sum_(j != y) exp(s cos_ij)) / cos(min(pi / 4, median theta))

    with theta the angles of the targets, and the lower of the two in the
    middle for their median. Where that isn't above 0, s stays.

    With labels the cosines are multiplied by s / scale, so that
    `unpg_tf.losses.MarginLoss` of that scale computes the softmax of s cos_ij.
    Without labels they are plain ones.

    Args:
        num_classes: int, at least 3, the number of class centres.
        scale: float, above 0: that of the loss. It changes no result.
        **kwargs: Arguments of `MarginHead`; neither `sample_rate` nor
            `sharded`, since s follows from the cosines to all classes.

    Attributes:
        adaptive_scale: Scalar weight, s; starts at
            sqrt(2) log(num_classes - 1).

    Example:

    >>> head = unpg_tf.layers.AdaCos(1000)
    >>> model = unpg_tf.models.EmbeddingModel(backbone, head)
    >>> model.compile("sgd", unpg_tf.losses.MarginLoss(embedding_dim=512))

    Reference: Zhang et al., *AdaCos: Adaptively Scaling Cosine Logits for
    Effectively Learning Deep Face Representations*, CVPR 2019.
    """

    def __init__(self, num_classes, scale=64.0, **kwargs):
        super().__init__(num_classes, **kwargs)
        ops.expect(
            num_classes > 2,
            "num_classes of at least 3",
            num_classes=num_classes,
        )
        ops.expect_numbers(scale=scale)
        ops.expect(scale > 0, "scale above 0", scale=scale)
        ops.expect(
            self.sample_rate == 1 and not self.sharded,
            "sample_rate=1 and sharded=False: the scale follows from the "
            "cosines to all classes",
            sample_rate=self.sample_rate,
            sharded=self.sharded,
        )
        self.scale = float(scale)

    def build(self, input_shape):
        """Creates the class centres and the scale."""
        super().build(input_shape)
        start = math.sqrt(2.0) * math.log(self.num_classes - 1)
        self.adaptive_scale = self.add_state("adaptive_scale", start)

    def _cosines(self, embeddings, centers, labels, training):
        cosines = super()._cosines(embeddings, centers, labels, training)
        if labels is None:
            return cosines
        if training:
            self._adapt(tf.stop_gradient(cosines), labels)
        return cosines * (
            tf.convert_to_tensor(self.adaptive_scale) / self.scale
        )

    def _adapt(self, cosines, labels):
        scale = tf.convert_to_tensor(self.adaptive_scale)
        masses = ops.log_mass_of_others(
            cosines, labels, self.num_classes, scale
        )
        rows = tf.stack([masses, ops.targets_of(cosines, labels)], axis=1)
        rows = distribute.all_gather(rows)
        masses, targets = rows[:, 0], rows[:, 1]
        count = tf.size(masses)
        mass = tf.reduce_logsumexp(masses)
        mass -= tf.math.log(tf.cast(count, mass.dtype))
        median = tf.sort(ops.angle_of(targets))[(count - 1) // 2]
        adapted = mass / tf.cos(tf.minimum(median, math.pi / 4))
        self.adaptive_scale.assign(tf.where(adapted > 0, adapted, scale))

    def get_config(self):
        """The arguments of the constructor, serialisable."""
        return {**super().get_config(), "scale": self.scale}
