"""Keras's optimizers, lazy with the rows that a sampled head leaves out."""

from unpg_tf.optimizers.adamw import LazyAdamW
from unpg_tf.optimizers.sgd import LazySGD

__all__ = ["LazyAdamW", "LazySGD"]
