"""Stochastic gradient descent for sampled class centres."""

from tensorflow import keras

from unpg_tf.optimizers.lazy import LazyUpdates


@keras.utils.register_keras_serializable("unpg_tf")
class LazySGD(LazyUpdates, keras.optimizers.SGD):
    """Keras's SGD, whose momentum and decay touch a gradient's rows alone.

    For heads with `sample_rate` below 1, where all other class centres rest
    for a step, and their momentum with them. The decay that they miss is made
    up for when they are drawn.

    Args:
        *args: Those of `keras.optimizers.SGD`.
        decoupled: bool. Whether `weight_decay` is taken off the weights by
            themselves, as Keras does; or added to the gradient, as the L2
            penalty of other libraries, which goes through the momentum.
        **kwargs: Those of `keras.optimizers.SGD`.

    Example:

    >>> head = unpg_tf.layers.CosFace(1_000_000, sample_rate=0.1)
    >>> model = unpg_tf.models.EmbeddingModel(backbone, head)
    >>> optimizer = unpg_tf.optimizers.LazySGD(0.1, momentum=0.9)
    >>> model.compile(optimizer, unpg_tf.losses.UNPGLoss())
    """

    def __init__(self, *args, decoupled=True, **kwargs):
        super().__init__(*args, **kwargs)
        self.decoupled = decoupled

    def get_config(self):
        """The arguments of the constructor, serialisable."""
        return {**super().get_config(), "decoupled": self.decoupled}

    def row_state(self, variable):
        """See `LazyUpdates.row_state`."""
        if not self.momentum:
            return []
        return [self.momentums[self._index_of(variable)]]

    def update_rows(self, gradient, rate, state):
        """See `LazyUpdates.update_rows`."""
        step = rate * gradient
        if not state:
            return step, []
        velocity = self.momentum * state[0] - step
        if self.nesterov:
            return step - self.momentum * velocity, [velocity]
        return -velocity, [velocity]
