"""Margin heads: embeddings and labels in, cosines with margin out."""

from unpg_tf.layers.adacos import AdaCos
from unpg_tf.layers.adaface import AdaFace
from unpg_tf.layers.arcface import ArcFace
from unpg_tf.layers.combined_margin import CombinedMargin
from unpg_tf.layers.cosface import CosFace
from unpg_tf.layers.curricularface import CurricularFace
from unpg_tf.layers.elasticface import ElasticFace
from unpg_tf.layers.feature_memory import FeatureMemory
from unpg_tf.layers.magface import MagFace
from unpg_tf.layers.magface import MagnitudePenalty
from unpg_tf.layers.margin_head import MarginHead
from unpg_tf.layers.mv_softmax import MVSoftmax
from unpg_tf.layers.sphereface import SphereFace
from unpg_tf.layers.subcenter_arcface import SubcenterArcFace
from unpg_tf.layers.uniface import UniFace
from unpg_tf.layers.unitsface import UniTSFace
from unpg_tf.layers.uss import USS
from unpg_tf.layers.x2_softmax import X2Softmax

__all__ = [
    "AdaCos",
    "AdaFace",
    "ArcFace",
    "CombinedMargin",
    "CosFace",
    "CurricularFace",
    "ElasticFace",
    "FeatureMemory",
    "MVSoftmax",
    "MagFace",
    "MagnitudePenalty",
    "MarginHead",
    "SphereFace",
    "SubcenterArcFace",
    "USS",
    "UniFace",
    "UniTSFace",
    "X2Softmax",
]
