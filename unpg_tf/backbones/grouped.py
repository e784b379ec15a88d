"""A grouped convolution that trains on CPUs."""

import tensorflow as tf
from tensorflow import keras

__all__ = ["GroupedConv2D"]


@keras.utils.register_keras_serializable("unpg_tf")
class GroupedConv2D(keras.layers.Conv2D):
    """Keras's `Conv2D` with few channels in a group, by depthwise ones.

    TensorFlow has no gradient of a grouped convolution on CPUs. Keras leaves
    it to XLA, which does not work under `MirroredStrategy` there. Here every
    channel is convolved for each filter of its group, and the group summed.

    Args:
        *args: Those of `keras.layers.Conv2D`.
        **kwargs: Those of `keras.layers.Conv2D`.

    Example:

    >>> GroupedConv2D(128, 3, groups=64, padding="same", use_bias=False)
    """

    def call(self, inputs):
        """Convolves [batch, height, width, channels] inputs."""
        high, wide, members, filters = self.kernel.shape
        kernel = tf.reshape(
            tf.convert_to_tensor(self.kernel),
            [high, wide, members, self.groups, filters // self.groups],
        )
        kernel = tf.reshape(
            tf.transpose(kernel, [0, 1, 3, 2, 4]),
            [high, wide, members * self.groups, filters // self.groups],
        )
        parts = tf.nn.depthwise_conv2d(
            inputs,
            tf.cast(kernel, inputs.dtype),
            strides=[1, *self.strides, 1],
            padding=self.padding.upper(),
        )
        shape = tf.shape(parts)
        parts = tf.reshape(
            parts,
            [
                *tf.unstack(shape[:3]),
                self.groups,
                members,
                filters // self.groups,
            ],
        )
        outputs = tf.reshape(
            tf.reduce_sum(parts, axis=4), [*tf.unstack(shape[:3]), filters]
        )
        outputs.set_shape(self.compute_output_shape(inputs.shape))
        if self.use_bias:
            outputs += tf.cast(tf.convert_to_tensor(self.bias), outputs.dtype)
        return self.activation(outputs)
