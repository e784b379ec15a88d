"""UniFace: cosines told from a threshold that is learned."""

import math

import tensorflow as tf
from tensorflow import keras

from unpg_tf import ops
from unpg_tf.layers.cosface import CosFace


@keras.utils.register_keras_serializable("unpg_tf")
class UniFace(CosFace):
    """CosFace's cosines, less a threshold that divides same from different.

    With labels every cosine c becomes c - b / scale, the target t becomes
    t - margin - b / scale. The threshold b is trained with the class centres:
    one for all classes, or one for each. `unpg_tf.losses.UCELoss` of the same
    scale asks that targets be above 0 then, and all others below. Without
    labels the cosines are plain ones.

    Args:
        num_classes: int, the number of class centres.
        margin: float, at least 0.
        scale: float, above 0: that of the loss.
        per_class: bool. Whether each class has a threshold of its own
            (the paper's BCE), or all have one (UCE).
        **kwargs: Arguments of `MarginHead`; neither `sample_rate` nor
            `sharded`, since the loss sums over all classes.

    Attributes:
        bias: [] or [num_classes] weight, b; starts at log(10 num_classes).

    Example:

    >>> head = unpg_tf.layers.UniFace(1000)
    >>> model = unpg_tf.models.EmbeddingModel(backbone, head)
    >>> model.compile("sgd", unpg_tf.losses.UCELoss())

    Reference: Zhou et al., *UniFace: Unified Cross-Entropy Loss for Deep Face
    Recognition*, ICCV 2023.
    """

    def __init__(
        self, num_classes, margin=0.4, scale=64.0, per_class=False, **kwargs
    ):
        super().__init__(num_classes, margin=margin, **kwargs)
        ops.expect_numbers(scale=scale)
        ops.expect(scale > 0, "scale above 0", scale=scale)
        ops.expect(
            self.sample_rate == 1 and not self.sharded,
            "sample_rate=1 and sharded=False: UCELoss sums over all classes",
            sample_rate=self.sample_rate,
            sharded=self.sharded,
        )
        self.scale = float(scale)
        self.per_class = bool(per_class)

    def build(self, input_shape):
        """Creates the class centres and the threshold."""
        super().build(input_shape)
        self.bias = self.add_bias()

    def add_bias(self):
        """Creates the threshold."""
        start = math.log(10.0 * self.num_classes)
        return self.add_weight(
            name="bias",
            shape=(self.num_classes,) if self.per_class else (),
            initializer=keras.initializers.Constant(start),
        )

    def _cosines(self, embeddings, centers, labels, training):
        cosines = super()._cosines(embeddings, centers, labels, training)
        if labels is None:
            return cosines
        return self.told_from_threshold(cosines, labels, training)

    def told_from_threshold(self, cosines, labels, training):
        """Takes the threshold from all cosines.

        Args:
            cosines: [batch, num_classes] float tensor, with the margin.
            labels: [batch] int32 tensor.
            training: bool.

        Returns:
            A tensor like `cosines`.
        """
        del labels, training
        return cosines - tf.convert_to_tensor(self.bias) / self.scale

    def get_config(self):
        """The arguments of the constructor, serialisable."""
        return {
            **super().get_config(),
            "scale": self.scale,
            "per_class": self.per_class,
        }
