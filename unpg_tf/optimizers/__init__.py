"""Keras's optimizers, for heads that sample or shard their class centres."""

from unpg_tf.optimizers.adamw import LazyAdamW
from unpg_tf.optimizers.sgd import LazySGD
from unpg_tf.optimizers.shards import keep_shards

__all__ = ["LazyAdamW", "LazySGD", "keep_shards"]
