"""Softmax losses over cosines, without and with UNPG's negative pairs."""

from unpg_tf.losses.margin_loss import MarginLoss
from unpg_tf.losses.unpg_loss import UNPGLoss

__all__ = ["MarginLoss", "UNPGLoss"]
