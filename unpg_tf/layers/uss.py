"""USS: cosines to the newest samples, told from a learned threshold."""

import tensorflow as tf
from tensorflow import keras

from unpg_tf import distribute
from unpg_tf import ops
from unpg_tf.layers.feature_memory import FeatureMemory
from unpg_tf.layers.margin_head import SHARED
from unpg_tf.layers.uniface import UniFace


@keras.utils.register_keras_serializable("unpg_tf")
class USS(FeatureMemory, UniFace):
    """UniFace's cosines, to the newest embedding of each class.

    As `UniFace`, with a `FeatureMemory` for the class centres: samples are
    compared with samples. `unpg_tf.losses.UCELoss` of the same scale is its
    loss. `UniTSFace` trains it beside CosFace.

    The threshold b starts at 0. A training step in which it isn't above 0 sets
    it to the mean over the global batch of log sum_(j != y) exp(scale c_ij);
    from then on it is trained.

    Args:
        num_classes: int, the number of classes.
        margin: float, at least 0.
        scale: float, above 0: that of the loss.
        start_step: int, at least 0: the number of training steps in which it
            only remembers. Until then targets are 1 and all others -1: a
            constant loss near 0, without gradient.
        **kwargs: Arguments of `MarginHead`; neither `sample_rate` nor
            `sharded`.

    Attributes:
        bias: Scalar weight, b.
        step: Scalar weight, the number of training steps seen.

    Example:

    >>> head = unpg_tf.layers.USS(1000)
    >>> cosines = head(embeddings, labels, training=True)  # [batch, 1000]

    Reference: Li et al., *UniTSFace: Unified Threshold Integrated
    Sample-to-Sample Loss for Face Recognition*, NeurIPS 2023.
    """

    def __init__(
        self, num_classes, margin=0.1, scale=64.0, start_step=0, **kwargs
    ):
        super().__init__(num_classes, margin, scale, **kwargs)
        ops.expect_numbers(start_step=start_step)
        ops.expect(
            start_step >= 0 and int(start_step) == start_step,
            "start_step of at least 0, an integer",
            start_step=start_step,
        )
        self.start_step = int(start_step)

    def build(self, input_shape):
        """Creates the memory, the threshold and the step counter."""
        super().build(input_shape)
        self.step = self.add_state("step", 0, dtype="int64")

    def add_bias(self):
        """Creates the threshold, which every replica sets alike."""
        return self.add_weight(
            name="bias", shape=(), initializer="zeros", aggregation=SHARED
        )

    def update_state(self, targets, norms):
        """Counts the step."""
        self.step.assign(self.step + 1)

    def _has_started(self):
        return tf.convert_to_tensor(self.step) > self.start_step

    def told_from_threshold(self, cosines, labels, training):
        """See `UniFace.told_from_threshold`."""
        if training:
            self._set_bias(tf.stop_gradient(cosines), labels)
        told = super().told_from_threshold(cosines, labels, training)
        right = ops.replace_targets(
            -tf.ones_like(told), labels, tf.ones_like(told[:, 0])
        )
        return tf.where(self._has_started(), told, right)

    def _set_bias(self, cosines, labels):
        bias = tf.convert_to_tensor(self.bias)
        is_due = self._has_started() & (bias <= 0)

        def masses():
            return ops.log_mass_of_others(
                cosines, labels, self.num_classes, self.scale
            )

        # Replicas speak to each other in any case.
        masses = tf.cond(is_due, masses, lambda: tf.zeros_like(cosines[:, 0]))
        mean = distribute.mean_of_all(masses)
        # A batch that isn't finite leaves the threshold to the next one.
        is_due &= tf.math.is_finite(mean)
        self.bias.assign(tf.where(is_due, mean, bias))

    def get_config(self):
        """The arguments of the constructor, serialisable."""
        config = super().get_config()
        del config["per_class"]
        return {**config, "start_step": self.start_step}
