"""Unified Negative Pair Generation (UNPG) for TensorFlow and Keras."""

from unpg_tf import distribute
from unpg_tf import layers
from unpg_tf import losses
from unpg_tf import models
from unpg_tf import ops

__all__ = ["distribute", "layers", "losses", "models", "ops"]
