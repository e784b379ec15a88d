"""Optimizers for sampled and sharded class centres, and learning rates."""

from unpg_tf.optimizers.adamw import LazyAdamW
from unpg_tf.optimizers.schedules import learning_rate
from unpg_tf.optimizers.sgd import LazySGD
from unpg_tf.optimizers.shards import keep_shards
from unpg_tf.optimizers.warm_up import WarmUp

__all__ = ["LazyAdamW", "LazySGD", "WarmUp", "keep_shards", "learning_rate"]
