"""Keras models for training embeddings."""

from unpg_tf.models.embedding_model import EmbeddingModel
from unpg_tf.models.files import save
from unpg_tf.moved import moved_names as _moved_names

__all__ = ["EmbeddingModel", "save"]

__getattr__ = _moved_names(__name__, optimizers=["WarmUp"])
