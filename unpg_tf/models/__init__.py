"""Keras models for training embeddings."""

from unpg_tf.models.embedding_model import EmbeddingModel
from unpg_tf.models.warm_up import WarmUp

__all__ = ["EmbeddingModel", "WarmUp"]
