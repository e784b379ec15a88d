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
        passes = iter([self._once])

        @tf.recompute_grad
        def compute(*tensors):
            return next(passes, self._again)(tensors)

        return compute(*tf.nest.flatten(inputs))

    def _once(self, tensors):
        single = len(tensors) == 1
        return self.network(tensors[0] if single else tensors, training=True)

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
