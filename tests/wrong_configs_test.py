"""What isn't a config, and the message that it gets."""

import pytest
from tensorflow import keras

from unpg_tf import layers
from unpg_tf import losses
from unpg_tf import models
from unpg_tf import optimizers

BACKBONE = keras.Sequential([keras.Input([3]), keras.layers.Dense(4)])
MADE = {
    "CosFace": layers.CosFace(5),
    "ArcFace": layers.ArcFace(5),
    "CombinedMargin": layers.CombinedMargin(5),
    "SphereFace": layers.SphereFace(5),
    "MagFace": layers.MagFace(5),
    "AdaFace": layers.AdaFace(5),
    "CurricularFace": layers.CurricularFace(5),
    "ElasticFace": layers.ElasticFace(5),
    "MVSoftmax": layers.MVSoftmax(5),
    "X2Softmax": layers.X2Softmax(5),
    "UniFace": layers.UniFace(5),
    "AdaCos": layers.AdaCos(5),
    "SubcenterArcFace": layers.SubcenterArcFace(5),
    "USS": layers.USS(5),
    "UniTSFace": layers.UniTSFace(5),
    "MarginLoss": losses.MarginLoss(embedding_dim=4),
    "UCELoss": losses.UCELoss(embedding_dim=4),
    "UniTSFaceLoss": losses.UniTSFaceLoss(embedding_dim=4),
    "MixFaceLoss": losses.MixFaceLoss(5, embedding_dim=4),
    "UNPGLoss": losses.UNPGLoss(embedding_dim=4),
    "UPGLoss": losses.UPGLoss(embedding_dim=4),
    "CircleLoss": losses.CircleLoss(embedding_dim=4),
    "MultiSimilarityLoss": losses.MultiSimilarityLoss(embedding_dim=4),
    "NPairLoss": losses.NPairLoss(embedding_dim=4),
    "SNPairLoss": losses.SNPairLoss(embedding_dim=4),
    "TripletSemiHardLoss": losses.TripletSemiHardLoss(embedding_dim=4),
    "EmbeddingModel": models.EmbeddingModel(BACKBONE, layers.CosFace(5)),
    "WarmUp": optimizers.WarmUp(
        keras.optimizers.schedules.CosineDecay(0.1, 100), 10
    ),
    "LazySGD": optimizers.LazySGD(0.1),
    "LazyAdamW": optimizers.LazyAdamW(0.1),
}
# What Keras has arguments of its own for, and defaults.
REQUIRED = {
    **{
        name: ["num_classes"]
        for name, made in MADE.items()
        if isinstance(made, layers.MarginHead | losses.MixFaceLoss)
    },
    "EmbeddingModel": ["backbone", "head"],
    "WarmUp": ["schedule", "warmup_steps"],
}


@pytest.mark.parametrize("name", MADE)
def test_what_a_config_lacks_has_a_default_or_is_named(name):
    made = MADE[name]
    config = made.get_config()
    for key in config:
        rest = {k: v for k, v in config.items() if k != key}
        if key in REQUIRED.get(name, []):
            with pytest.raises((TypeError, ValueError), match=key):
                type(made).from_config(rest)
        else:
            assert type(type(made).from_config(rest)) is type(made)


@pytest.mark.parametrize("name", MADE)
def test_what_a_config_has_too_much_is_named(name):
    made = MADE[name]
    config = {**made.get_config(), "sclae": 64.0}
    with pytest.raises((TypeError, ValueError), match="sclae"):
        type(made).from_config(config)


@pytest.mark.parametrize(
    ("name", "key", "value"),
    [
        ("CosFace", "num_classes", "5"),
        ("CosFace", "sample_rate", 2.0),
        ("ArcFace", "margin", None),
        ("MagFace", "upper_norm", 1.0),
        ("ElasticFace", "kind", "sphere"),
        ("MarginLoss", "scale", -1.0),
        ("MarginLoss", "norm_penalty", "none of ours"),
        ("UNPGLoss", "whisker", "wide"),
        ("UNPGLoss", "product_dtype", "int8"),
        ("UNPGLoss", "embedding_dim", 0),
        ("EmbeddingModel", "head", None),
        ("EmbeddingModel", "backbone", 3),
        ("WarmUp", "warmup_steps", -1),
    ],
)
def test_a_wrong_value_is_named(name, key, value):
    made = MADE[name]
    config = {**made.get_config(), key: value}
    with pytest.raises(
        (TypeError, ValueError), match=f"Expected .*{key}|{value}"
    ):
        type(made).from_config(config)
