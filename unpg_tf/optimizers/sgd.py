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

    _without_momentum = frozenset()

    def __init__(self, *args, decoupled=True, **kwargs):
        super().__init__(*args, **kwargs)
        self.decoupled = decoupled

    def exclude_from_momentum(self, variables):
        """Has some variables move without momentum.

        For the centres of a sampled head (README, "A million classes"). The
        learning rate has to be 1 / (1 - momentum) times as high then, to move
        them as far: `scale_learning_rate`.

        Like `exclude_from_weight_decay`, it isn't part of the config.

        Args:
            variables: list of the variables.

        Example:

        >>> optimizer.exclude_from_momentum(model.head.trainable_weights)
        """
        self._without_momentum = frozenset(map(self._var_key, variables))

    def get_config(self):
        """The arguments of the constructor, serialisable."""
        return {**super().get_config(), "decoupled": self.decoupled}

    def row_state(self, variable):
        """See `LazyUpdates.row_state`."""
        if not self.momentum or not self._has_momentum(variable):
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

    def _has_momentum(self, variable):
        return self._var_key(variable) not in self._without_momentum

    def _is_as_keras_has_it(self, variable):
        is_alike = super()._is_as_keras_has_it(variable)
        return is_alike and self._has_momentum(variable)
