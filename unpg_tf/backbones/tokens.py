"""Layers of a vision transformer, on [batch, tokens, channels]."""

import tensorflow as tf
from tensorflow import keras

from unpg_tf import ops

__all__ = ["Attention", "Kept", "MaskFill", "Positions", "RandomSubset"]


@keras.utils.register_keras_serializable("unpg_tf")
class Positions(keras.layers.Layer):
    """Adds a learned vector to the token of each place."""

    def build(self, input_shape):
        """Creates the table, [1, tokens, channels]."""
        self.table = self.add_weight(
            name="table",
            shape=[1, *input_shape[1:]],
            initializer=keras.initializers.RandomNormal(stddev=0.02),
        )
        super().build(input_shape)

    def call(self, inputs):
        """Adds it."""
        return inputs + tf.cast(tf.convert_to_tensor(self.table), inputs.dtype)


@keras.utils.register_keras_serializable("unpg_tf")
class RandomSubset(keras.layers.Layer):
    """In training, leaves a random part of each image's tokens out.

    Args:
        rate: Part of the tokens to leave out, at least 0, below 1.
        **kwargs: Arguments of `keras.layers.Layer`.

    Raises:
        ValueError: `rate` is out of range.
    """

    def __init__(self, rate, **kwargs):
        super().__init__(**kwargs)
        ops.expect(0 <= rate < 1, "rate in [0, 1)", rate=rate)
        self.rate = rate
        # Keras's own randomness, whose state checkpoints know.
        self.noise = keras.layers.GaussianNoise(1.0, dtype="float32")

    def build(self, input_shape):
        """Creates the random state: the first step is too late for it."""
        self.noise.build(input_shape[:2])
        super().build(input_shape)

    def call(self, inputs, training=None):
        """Chooses tokens.

        Returns:
            A tuple of [batch, kept, channels] tokens, and of [batch, tokens]
            integers, for each token its place among those kept; from `kept`
            on, it's left out.
        """
        count = inputs.shape[1]
        zeros = tf.zeros_like(inputs[:, :, 0], tf.float32)
        if not training or not self.rate:
            places = tf.range(count) + tf.cast(zeros, tf.int32)
            return inputs, places
        order = tf.argsort(self.noise(zeros, training=True), axis=1)
        kept = order[:, : int(count * (1 - self.rate))]
        return tf.gather(inputs, kept, batch_dims=1), tf.argsort(order, axis=1)

    def compute_output_shape(self, input_shape):
        """Of both outputs; how many are kept is known in training alone."""
        batch, count, channels = input_shape
        kept = None if self.rate else count
        return (batch, kept, channels), (batch, count)

    def compute_output_spec(self, inputs, training=None):
        """Likewise, with their types, for Keras 3."""
        tokens, places = self.compute_output_shape(inputs.shape)
        return (
            keras.KerasTensor(tokens, inputs.dtype),
            keras.KerasTensor(places, "int32"),
        )

    def get_config(self):
        """The arguments of the constructor, serialisable."""
        return {**super().get_config(), "rate": self.rate}


@keras.utils.register_keras_serializable("unpg_tf")
class MaskFill(keras.layers.Layer):
    """Puts a learned token where `RandomSubset` left one out."""

    def build(self, input_shape):
        """Creates the token, [1, 1, channels]."""
        self.token = self.add_weight(
            name="token",
            shape=[1, 1, input_shape[0][-1]],
            initializer=keras.initializers.RandomNormal(stddev=0.02),
        )
        super().build(input_shape)

    def call(self, inputs):
        """Takes the two outputs of `RandomSubset`; gives all tokens."""
        tokens, places = inputs
        token = tf.cast(tf.convert_to_tensor(self.token), tokens.dtype)
        filler = tf.repeat(token, tf.shape(tokens)[0], axis=0)
        tokens = tf.concat([tokens, filler], axis=1)
        places = tf.minimum(places, tf.shape(tokens)[1] - 1)
        return tf.gather(tokens, places, batch_dims=1)

    def compute_output_shape(self, input_shape):
        """That of all tokens."""
        (batch, _, channels), (_, count) = input_shape
        return batch, count, channels


@keras.utils.register_keras_serializable("unpg_tf")
class Attention(keras.layers.Layer):
    """Attention among tokens whose queries, keys and values are computed.

    Products and softmax are in float32, as half precision is too coarse.

    Args:
        heads: Number of heads, a divisor of the channels.
        **kwargs: Arguments of `keras.layers.Layer`.
    """

    def __init__(self, heads, **kwargs):
        super().__init__(**kwargs)
        self.heads = heads

    def call(self, inputs):
        """[batch, tokens, 3 * channels] -> [batch, tokens, channels]."""
        batch, tokens = tf.unstack(tf.shape(inputs)[:2])
        channels = inputs.shape[2] // 3
        size = channels // self.heads
        parts = tf.reshape(inputs, [batch, tokens, 3, self.heads, size])
        parts = tf.cast(tf.transpose(parts, [2, 0, 3, 1, 4]), tf.float32)
        queries, keys, values = tf.unstack(parts)
        logits = tf.matmul(queries * size**-0.5, keys, transpose_b=True)
        answers = tf.matmul(tf.nn.softmax(logits), values)
        answers = tf.transpose(answers, [0, 2, 1, 3])
        answers = tf.reshape(answers, [batch, tokens, channels])
        return tf.cast(answers, inputs.dtype)

    def compute_output_shape(self, input_shape):
        """A third of the channels."""
        return *input_shape[:-1], input_shape[-1] // 3

    def get_config(self):
        """The arguments of the constructor, serialisable."""
        return {**super().get_config(), "heads": self.heads}


@keras.utils.register_keras_serializable("unpg_tf")
class Kept(keras.layers.Dropout):
    """For each image 0, or 1 / (1 - rate): whether a branch of it counts."""

    def call(self, inputs, training=None):
        """[batch, tokens, channels] -> [batch, 1, 1] factors."""
        ones = tf.ones_like(inputs[:, :1, :1])
        return super().call(ones, training=training)

    def compute_output_shape(self, input_shape):
        """One for each image."""
        return input_shape[0], 1, 1
