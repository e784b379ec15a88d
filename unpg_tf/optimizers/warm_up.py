"""A learning rate that rises first."""

import tensorflow as tf
from tensorflow import keras

from unpg_tf import ops


@keras.utils.register_keras_serializable("unpg_tf")
class WarmUp(keras.optimizers.schedules.LearningRateSchedule):
    """Rises from 0 along a line, and goes on as another schedule does.

    Keras has it for `CosineDecay` alone.

    Args:
        schedule: The schedule after the warm-up, which starts at its step 0.
        warmup_steps: integer, above 0.

    Example:

    >>> falling = keras.optimizers.schedules.PolynomialDecay(0.1, 9000, 0.0)
    >>> keras.optimizers.SGD(unpg_tf.optimizers.WarmUp(falling, 1000))
    """

    def __init__(self, schedule, warmup_steps):
        super().__init__()
        ops.expect(
            callable(schedule),
            "schedule, a LearningRateSchedule",
            schedule=schedule,
        )
        ops.expect_counts(warmup_steps=warmup_steps)
        self.schedule = schedule
        self.warmup_steps = warmup_steps

    def __call__(self, step):
        """The learning rate at a step, a scalar float32 tensor."""
        step = tf.cast(step, tf.float32)
        rest = tf.maximum(step - self.warmup_steps, 0.0)
        rate = tf.cast(self.schedule(rest), tf.float32)
        return rate * tf.minimum(step / self.warmup_steps, 1.0)

    def get_config(self):
        """The arguments of the constructor, serialisable."""
        return {
            "schedule": keras.utils.serialize_keras_object(self.schedule),
            "warmup_steps": self.warmup_steps,
        }

    @classmethod
    def from_config(cls, config):
        """The schedule of a config that `get_config` has made."""
        schedule = keras.utils.deserialize_keras_object(config.get("schedule"))
        return cls(**{**config, "schedule": schedule})
