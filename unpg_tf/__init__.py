"""Unified Negative Pair Generation (UNPG) for TensorFlow and Keras."""

import importlib
import itertools
import os
import sys

from unpg_tf.version import __version__

__all__ = [
    "__version__",
    "backbones",
    "callbacks",
    "data",
    "distribute",
    "evaluation",
    "faces",
    "layers",
    "losses",
    "metrics",
    "models",
    "ops",
    "optimizers",
    "serving",
    "weights",
]


def _is_command():
    """Whether this process is `unpg` or `python -m unpg_tf`."""
    program = os.path.basename((getattr(sys, "argv", None) or [""])[0])
    named = program in ("unpg", "unpg.exe", "unpg-script.py")
    return named or ("-m", __name__) in itertools.pairwise(sys.orig_argv)


def __dir__():
    return [*__all__, *(name for name in globals() if name.startswith("__"))]


if _is_command():
    # Help and wrong flags are answered before TensorFlow is imported.
    def __getattr__(name):
        if name in __all__:
            return importlib.import_module(f"{__name__}.{name}")
        raise AttributeError(f"{__name__!r} has no attribute {name!r}")

else:
    # All of it, since Keras loads only what is registered already.
    from unpg_tf import backbones
    from unpg_tf import callbacks
    from unpg_tf import data
    from unpg_tf import distribute
    from unpg_tf import evaluation
    from unpg_tf import export  # noqa: F401  The former name of serving.
    from unpg_tf import faces
    from unpg_tf import layers
    from unpg_tf import losses
    from unpg_tf import metrics
    from unpg_tf import models
    from unpg_tf import ops
    from unpg_tf import optimizers
    from unpg_tf import serving
    from unpg_tf import weights
