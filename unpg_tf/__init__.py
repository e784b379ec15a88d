"""Unified Negative Pair Generation (UNPG) for TensorFlow and Keras."""

from unpg_tf import backbones
from unpg_tf import data
from unpg_tf import distribute
from unpg_tf import evaluation
from unpg_tf import export
from unpg_tf import layers
from unpg_tf import losses
from unpg_tf import models
from unpg_tf import ops
from unpg_tf import optimizers
from unpg_tf.version import __version__

__all__ = [
    "__version__",
    "backbones",
    "data",
    "distribute",
    "evaluation",
    "export",
    "layers",
    "losses",
    "models",
    "ops",
    "optimizers",
]
