"""Losses of margin heads, without and with UNPG, and of pairs alone."""

from unpg_tf.losses.addons_loss import AddonsLoss
from unpg_tf.losses.circle_loss import CircleLoss
from unpg_tf.losses.margin_loss import MarginLoss
from unpg_tf.losses.metric_loss import MetricLoss
from unpg_tf.losses.mix_face_loss import MixFaceLoss
from unpg_tf.losses.multi_similarity_loss import MultiSimilarityLoss
from unpg_tf.losses.n_pair_loss import NPairLoss
from unpg_tf.losses.sn_pair_loss import SNPairLoss
from unpg_tf.losses.triplet_semi_hard_loss import TripletSemiHardLoss
from unpg_tf.losses.uce_loss import UCELoss
from unpg_tf.losses.unitsface_loss import UniTSFaceLoss
from unpg_tf.losses.unpg_loss import UNPGLoss
from unpg_tf.losses.upg_loss import UPGLoss

__all__ = [
    "AddonsLoss",
    "CircleLoss",
    "MarginLoss",
    "MetricLoss",
    "MixFaceLoss",
    "MultiSimilarityLoss",
    "NPairLoss",
    "SNPairLoss",
    "TripletSemiHardLoss",
    "UCELoss",
    "UNPGLoss",
    "UPGLoss",
    "UniTSFaceLoss",
]
