"""The model card beside an export."""

import json

import numpy as np
import pytest
import tensorflow as tf

import unpg_tf
from tests.serving import models
from unpg_tf import serving
from unpg_tf.layers import CosFace
from unpg_tf.losses import UNPGLoss
from unpg_tf.models import EmbeddingModel


def read(directory):
    path = directory / "assets.extra" / "model_card.json"
    return json.loads(path.read_text())


def test_it_says_what_the_model_tells(tmp_path):
    model = EmbeddingModel(models.tiny(), CosFace(9, margin=0.25))
    model.compile("sgd", UNPGLoss(16, 1.25, embedding_dim=models.DIM))
    serving.save(
        model,
        tmp_path / "1",
        threshold=0.5,
        flip=True,
        false_accept_rate=0.01,
        card={"data": "drawn", "evaluation": {"auc": 0.75}, "contact": "me"},
    )
    card = read(tmp_path / "1")
    assert card["architecture"] == {
        "name": model.backbone.name,
        "image_size": models.SIZE,
        "embedding_dim": models.DIM,
        "parameters": sum(w.size for w in model.backbone.get_weights()),
    }
    head = card["head"]
    assert (head["class"], head["num_classes"], head["margin"]) == (
        "CosFace",
        9,
        0.25,
    )
    # What describes the layer, not the margin, stays out.
    assert not {"name", "dtype", "trainable"} & set(head)
    assert card["loss"]["class"] == "UNPGLoss"
    assert card["loss"]["whisker"] == 1.25
    assert card["decision"] == {"threshold": 0.5, "false_accept_rate": 0.01}
    assert card["preprocessing"]["flip"] is True
    assert card["made_with"]["unpg_tf"] == unpg_tf.__version__
    assert card["data"] == "drawn" and card["evaluation"] == {"auc": 0.75}
    assert card["contact"] == "me" and card["licence"] is None


def test_of_a_bare_backbone_head_and_loss_are_unknown(tmp_path):
    serving.save(models.tiny(), tmp_path / "1", threshold=0.5)
    card = read(tmp_path / "1")
    assert card["head"] is card["loss"] is card["data"] is None
    assert card["decision"]["false_accept_rate"] is None


def test_the_fingerprint_is_that_of_weights_and_graph(tmp_path):
    first, second = models.tiny(), models.tiny()
    other = models.tiny()
    other.set_weights([w + np.float32(1e-6) for w in other.get_weights()])
    prints = []
    for version, model in enumerate((first, second, other)):
        directory = tmp_path / str(version)
        serving.save(model, directory, threshold=0.5)
        fingerprint = read(directory)["fingerprint"]
        prints.append(fingerprint["weights_sha256"])
        theirs = tf.saved_model.experimental.read_fingerprint(str(directory))
        checksum = str(theirs.saved_model_checksum)
        assert fingerprint["saved_model_checksum"] == checksum
    assert prints[0] == prints[1] != prints[2]


@pytest.mark.parametrize("value", [float("nan"), {1, 2}])
def test_what_json_cannot_hold_is_refused_before_writing(tmp_path, value):
    with pytest.raises(ValueError, match="Expected a card.*Received"):
        serving.save(
            models.tiny(), tmp_path / "1", threshold=0.5, card={"data": value}
        )
    assert not list(tmp_path.iterdir())


def test_a_fingerprint_of_ones_own_has_room_for_the_graphs(tmp_path):
    card = {"fingerprint": {"dataset": "1f3a"}}
    serving.save(models.tiny(), tmp_path / "1", threshold=0.5, card=card)
    fingerprint = read(tmp_path / "1")["fingerprint"]
    assert set(fingerprint) == {"dataset", "saved_model_checksum"}
    card = {"fingerprint": "1f3a"}
    with pytest.raises(ValueError, match="dictionary.*fingerprint='1f3a'"):
        serving.save(models.tiny(), tmp_path / "2", threshold=0.5, card=card)
    assert [path.name for path in tmp_path.iterdir()] == ["1"]
