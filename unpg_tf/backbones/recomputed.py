"""Gradient checkpointing: parts of a network that are computed twice."""

import tensorflow as tf
from tensorflow import keras

from unpg_tf import compat

__all__ = ["Recomputed", "block"]


@keras.utils.register_keras_serializable("unpg_tf")
class Recomputed(keras.Model):
    """A part of a network that keeps nothing for the way back but its inputs.

    A training step's backward pass computes it again, and needs no memory for
    what lies within until then. Moving averages are updated by the first pass
    alone. Nothing in the part may be random: the second pass would be another.

    Args:
        network: A functional Keras model of one output.
        **kwargs: Arguments of `keras.Model`.

    Example:

    >>> inputs = keras.Input([16, 16, 64])
    >>> network = keras.Model(inputs, keras.layers.Conv2D(64, 3)(inputs))
    >>> x = Recomputed(network)(x)
    """

    def __init__(self, network, **kwargs):
        super().__init__(**kwargs)
        self.network = network

    def call(self, inputs, training=None):
        """Computes the network's output of its inputs."""
        if not training:
            return self.network(inputs, training=training)

        @tf.custom_gradient
        def compute(*tensors):
            def gradient(slope, variables=None):
                return self._slopes(tensors, list(variables or []), slope)

            return self._once(tensors), gradient

        return compute(*tf.nest.flatten(inputs))

    def _once(self, tensors):
        single = len(tensors) == 1
        return self.network(tensors[0] if single else tensors, training=True)

    def _slopes(self, tensors, variables, slope):
        """Gradients of inputs and variables, by a second pass.

        Unlike `tf.recompute_grad` it ends with the variables before the part
        below begins. Else those would be left for later, with all maps that
        they need, by a scheduler that doesn't think of memory.
        """
        tensors = [_once_there(slope, tensor) for tensor in tensors]
        with tf.GradientTape() as tape:
            tape.watch([*tensors, *variables])
            outputs = self._again(tensors)
        to_tensors, to_variables = tape.gradient(
            outputs, (tensors, variables), slope, "zero"
        )
        with tf.control_dependencies(to_variables):
            to_tensors = [tf.identity(to_tensor) for to_tensor in to_tensors]
        return to_tensors, to_variables

    def _again(self, tensors):
        averages = self.network.non_trainable_variables
        averages = [compat.tf_variable(average) for average in averages]
        before = [tf.identity(average) for average in averages]
        outputs = self._once(tensors)
        for average, value in zip(averages, before, strict=True):
            average.assign(value)
        return outputs

    def get_config(self):
        """The arguments of the constructor, serialisable."""
        network = keras.utils.serialize_keras_object(self.network)
        return {"name": self.name, "network": network}

    @classmethod
    def from_config(cls, config, custom_objects=None):
        """The model of a config that `get_config` has made."""
        network = keras.utils.deserialize_keras_object(
            config["network"], custom_objects=custom_objects
        )
        return cls(**{**config, "network": network})


def _once_there(slope, tensor):
    """A tensor that is there when the slope is, also for XLA."""
    # XLA drops control dependencies, and would find that all is there already.
    first = tf.cast(tf.reduce_max(tf.reshape(slope, [-1])[:1]), tf.bool)
    return tensor + tf.cast(tf.where(first == first, 0.0, 1.0), tensor.dtype)


def block(function, inputs, name, recompute):
    """Applies a function of symbolic tensors, maybe as `Recomputed`.

    Args:
        function: from as many tensors as there are inputs to one.
        inputs: list of symbolic tensors.
        name: of the block.
        recompute: bool.

    Returns:
        The symbolic output.
    """
    if not recompute:
        return function(*inputs)
    # Of any size: a transformer has fewer tokens in training.
    shapes = [[*[None] * (len(x.shape) - 2), x.shape[-1]] for x in inputs]
    own = [
        keras.Input(shape, dtype=x.dtype)
        for x, shape in zip(inputs, shapes, strict=True)
    ]
    network = keras.Model(own, function(*own), name=name)
    return Recomputed(network, name=f"{name}.recomputed")(inputs)
