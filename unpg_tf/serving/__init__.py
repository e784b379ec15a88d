"""Serving: a SavedModel for TensorFlow alone, its clients, galleries."""

from unpg_tf.serving.clients import connect
from unpg_tf.serving.galleries import Gallery
from unpg_tf.serving.galleries import nearest
from unpg_tf.serving.galleries import read_gallery
from unpg_tf.serving.galleries import write_gallery
from unpg_tf.serving.saving import save
from unpg_tf.serving.server import Server
from unpg_tf.serving.settings import read_settings

__all__ = [
    "Gallery",
    "Server",
    "connect",
    "nearest",
    "read_gallery",
    "read_settings",
    "save",
    "write_gallery",
]
