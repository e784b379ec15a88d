"""UniTSFace: samples against class centres, and against samples."""

import tensorflow as tf
from tensorflow import keras

from unpg_tf import ops
from unpg_tf.layers.cosface import CosFace
from unpg_tf.layers.uss import USS


@keras.utils.register_keras_serializable("unpg_tf")
class UniTSFace(CosFace):
    """CosFace's cosines, beside those of `USS`.

    With labels the cosines have two columns for each class: first those to
    the class centres, CosFace's, then those to the newest embeddings, `USS`'s.
    `unpg_tf.losses.UniTSFaceLoss` of the same scale adds up the softmax of the
    former and the unified cross-entropy of the latter. Without labels they are
    plain ones, to the class centres alone.

    The authors train one epoch with CosFace alone while the memory fills.

    Args:
        num_classes: int, the number of classes.
        margin: float, at least 0, of the class centres.
        sample_margin: float, at least 0, of the newest embeddings.
        scale: float, above 0: that of the loss.
        cosface_steps: int, at least 0: the number of training steps with
            CosFace alone, such as those of an epoch.
        **kwargs: Arguments of `MarginHead`; neither `sample_rate` nor
            `sharded`, since the loss sums over all classes.

    Attributes:
        memory: The `USS` layer.

    Example:

    >>> head = unpg_tf.layers.UniTSFace(1000, cosface_steps=len(dataset))
    >>> model = unpg_tf.models.EmbeddingModel(backbone, head)
    >>> model.compile("sgd", unpg_tf.losses.UniTSFaceLoss())

    Reference: Li et al., *UniTSFace: Unified Threshold Integrated
    Sample-to-Sample Loss for Face Recognition*, NeurIPS 2023.
    """

    def __init__(
        self,
        num_classes,
        margin=0.4,
        sample_margin=0.1,
        scale=64.0,
        cosface_steps=0,
        **kwargs,
    ):
        super().__init__(num_classes, margin=margin, **kwargs)
        # The memory would name them as its own.
        ops.expect_numbers(
            sample_margin=sample_margin, cosface_steps=cosface_steps
        )
        ops.expect(
            sample_margin >= 0,
            "sample_margin of at least 0",
            sample_margin=sample_margin,
        )
        ops.expect(
            cosface_steps >= 0 and int(cosface_steps) == cosface_steps,
            "cosface_steps of at least 0, an integer",
            cosface_steps=cosface_steps,
        )
        self.memory = USS(
            num_classes,
            sample_margin,
            scale,
            cosface_steps,
            sample_rate=self.sample_rate,
            sharded=self.sharded,
            product_dtype=self.product_dtype,
            dtype=self.compute_dtype,
            name="memory",
        )
        self.sample_margin = self.memory.margin
        self.scale = self.memory.scale
        self.cosface_steps = self.memory.start_step

    @property
    def num_columns(self):
        """Two for each class."""
        return 2 * self.num_classes

    def build(self, input_shape):
        """Creates the class centres and the memory."""
        super().build(input_shape)
        self.memory.build(input_shape)

    def _cosines(self, embeddings, centers, labels, training):
        cosines = super()._cosines(embeddings, centers, labels, training)
        if labels is None:
            return cosines
        newest = tf.convert_to_tensor(self.memory.centers)
        to_samples = self.memory._cosines(embeddings, newest, labels, training)
        return tf.concat([cosines, to_samples], axis=1)

    def compute_output_shape(self, embeddings_shape, labels_shape=None):
        """[batch, 2 num_classes] where labels are given."""
        is_plain = labels_shape is None
        columns = self.num_classes if is_plain else self.num_columns
        return (embeddings_shape[0], columns)

    def get_config(self):
        """The arguments of the constructor, serialisable."""
        return {
            **super().get_config(),
            "sample_margin": self.sample_margin,
            "scale": self.scale,
            "cosface_steps": self.cosface_steps,
        }
