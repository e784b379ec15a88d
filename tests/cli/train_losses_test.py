"""Which head and loss unpg train makes of its flags."""

import pytest
from tensorflow import keras

from tests.cli.given import given
from unpg_tf import layers
from unpg_tf import losses
from unpg_tf.cli.train import model as train_model
from unpg_tf.cli.train.flags import FLAGS

CLASSES, DIM, STEPS = 6, 4, 7


@pytest.fixture
def compiled(monkeypatch):
    def backbone():
        return keras.Sequential([keras.Input([3]), keras.layers.Dense(DIM)])

    def compiled(**flags):
        with given(FLAGS, embedding_dim=DIM, scale=16.0, **flags):
            return train_model.compiled_model(CLASSES, STEPS)

    monkeypatch.setattr(train_model, "_backbone", backbone)
    return compiled


@pytest.mark.parametrize(
    ("flags", "head", "loss", "attributes"),
    [
        ({"loss": "sn_pair"}, layers.CosFace, losses.SNPairLoss, {}),
        (
            {"head": "arcface", "margin": 0.3, "loss": "mixface"},
            layers.ArcFace,
            losses.MixFaceLoss,
            {"num_classes": CLASSES, "margin": 0.3},
        ),
        (
            {"head": "arcface", "margin": 0.3, "loss": "upg"},
            layers.ArcFace,
            losses.UPGLoss,
            {"scale": 16.0, "margin": 0.3},
        ),
        (
            {"head": "uniface", "loss": "uce"},
            layers.UniFace,
            losses.UCELoss,
            {"scale": 16.0},
        ),
        (
            {"head": "unitsface", "loss": "unitsface"},
            layers.UniTSFace,
            losses.UniTSFaceLoss,
            {"scale": 16.0},
        ),
        (
            {
                "head": "subcenter_arcface",
                "margin": 0.3,
                "loss": "mixface",
                "sharded": True,
            },
            layers.SubcenterArcFace,
            losses.MixFaceLoss,
            {"margin": 0.3},
        ),
        (
            {"head": "adacos", "loss": "margin"},
            layers.AdaCos,
            losses.MarginLoss,
            {"scale": 16.0},
        ),
        ({"head": "uss", "loss": "uce"}, layers.USS, losses.UCELoss, {}),
    ],
)
def test_head_and_loss_fit_each_other(compiled, flags, head, loss, attributes):
    model = compiled(**flags)
    assert type(model.head) is head
    assert type(model.loss) is loss
    assert attributes.items() <= model.loss.get_config().items()


def test_cosface_alone_trains_for_an_epoch(compiled):
    flags = {"head": "unitsface", "loss": "unitsface"}
    assert compiled(**flags).head.cosface_steps == STEPS
    flags["head_option"] = ["cosface_steps=2"]
    assert compiled(**flags).head.cosface_steps == 2
