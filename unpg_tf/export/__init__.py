"""Serving: a SavedModel that needs TensorFlow and nothing else."""

from unpg_tf.export.saving import save
from unpg_tf.export.serving import Server
from unpg_tf.export.settings import read_settings

__all__ = ["Server", "read_settings", "save"]
