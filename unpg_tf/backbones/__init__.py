"""Networks that turn images into embeddings."""

from unpg_tf.backbones.applications import application
from unpg_tf.backbones.build import build
from unpg_tf.backbones.iresnet import iresnet
from unpg_tf.backbones.mobilefacenet import mobilefacenet
from unpg_tf.backbones.model_garden import ModelGardenBackbone
from unpg_tf.backbones.recomputed import Recomputed
from unpg_tf.backbones.small import small
from unpg_tf.backbones.vit import vit

__all__ = [
    "ModelGardenBackbone",
    "Recomputed",
    "application",
    "build",
    "iresnet",
    "mobilefacenet",
    "small",
    "vit",
]
