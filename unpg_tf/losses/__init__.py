"""Losses of margin heads, without and with UNPG, and of pairs alone."""

from unpg_tf.losses.margin_loss import MarginLoss
from unpg_tf.losses.metric_losses import CircleLoss
from unpg_tf.losses.metric_losses import MetricLoss
from unpg_tf.losses.metric_losses import MultiSimilarityLoss
from unpg_tf.losses.metric_losses import NPairLoss
from unpg_tf.losses.metric_losses import TripletSemiHardLoss
from unpg_tf.losses.unpg_loss import UNPGLoss

__all__ = [
    "CircleLoss",
    "MarginLoss",
    "MetricLoss",
    "MultiSimilarityLoss",
    "NPairLoss",
    "TripletSemiHardLoss",
    "UNPGLoss",
]
