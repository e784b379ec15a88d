"""Adam with decoupled weight decay for sampled class centres."""

import tensorflow as tf
from tensorflow import keras

from unpg_tf import ops
from unpg_tf.optimizers.lazy import LazyUpdates


@keras.utils.register_keras_serializable("unpg_tf")
class LazyAdamW(LazyUpdates, keras.optimizers.AdamW):
    """Keras's AdamW, whose moments and decay touch a gradient's rows alone.

    For heads with `sample_rate` below 1. The decay that a row misses is made
    up for when it is drawn. The moments' bias is corrected by the number of
    all steps, as in other lazy variants of Adam.

    Args:
        *args: Those of `keras.optimizers.AdamW`.
        **kwargs: Those of `keras.optimizers.AdamW`; `amsgrad` has to stay
            off.

    Raises:
        ValueError: With `amsgrad`.

    Example:

    >>> optimizer = unpg_tf.optimizers.LazyAdamW(1e-3, weight_decay=0.01)
    """

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        ops.expect(not self.amsgrad, "no amsgrad", amsgrad=self.amsgrad)

    def row_state(self, variable):
        """See `LazyUpdates.row_state`."""
        index = self._index_of(variable)
        return [self._momentums[index], self._velocities[index]]

    def update_rows(self, gradient, rate, state):
        """See `LazyUpdates.update_rows`."""
        step = tf.cast(self.iterations + 1, rate.dtype)
        momentum, velocity = state
        momentum += (gradient - momentum) * (1 - self.beta_1)
        velocity += (tf.square(gradient) - velocity) * (1 - self.beta_2)
        rate *= tf.sqrt(1 - self.beta_2**step) / (1 - self.beta_1**step)
        change = rate * momentum / (tf.sqrt(velocity) + self.epsilon)
        return change, [momentum, velocity]
