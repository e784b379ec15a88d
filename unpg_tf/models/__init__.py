"""Keras models for training embeddings."""

from unpg_tf.models.embedding_model import EmbeddingModel

__all__ = ["EmbeddingModel"]
