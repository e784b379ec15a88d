"""Tests of what the losses make of a functional model's columns."""

import logging

import numpy as np
import pytest
import tensorflow as tf
from tensorflow import keras

from unpg_tf import layers
from unpg_tf import losses

ROWS, FEATURES, DIM, CLASSES = 8, 5, 4, 9
IMAGES = np.random.default_rng(0).normal(size=[ROWS, FEATURES])
LABELS = np.arange(ROWS) % (CLASSES - DIM)


def fit(head, loss, labelled=True, cosines_alone=False):
    images = keras.Input([FEATURES])
    labels = keras.Input([], dtype="int32")
    embeddings = keras.layers.Dense(DIM)(images)
    given = (embeddings, labels) if labelled else (embeddings,)
    y_pred = head(*given)
    if not cosines_alone:
        y_pred = keras.layers.Concatenate()([y_pred, embeddings])
    inputs = [images, labels] if labelled else images
    model = keras.Model(inputs, y_pred)
    model.compile("sgd", loss)
    return model.fit(
        [IMAGES, LABELS] if labelled else IMAGES, LABELS, verbose=0
    )


@pytest.mark.parametrize("name", ["MarginLoss", "UNPGLoss", "NPairLoss"])
@pytest.mark.parametrize("labelled", [True, False])
def test_refuses_cosines_alone(name, labelled):
    loss = getattr(losses, name)(embedding_dim=DIM)
    with pytest.raises(ValueError, match="the embeddings after the cosines"):
        fit(layers.CosFace(CLASSES), loss, labelled, cosines_alone=True)


@pytest.mark.parametrize("wrong", [DIM - 1, DIM + 1])
@pytest.mark.parametrize("name", ["MarginLoss", "UNPGLoss", "NPairLoss"])
def test_refuses_another_dimension_than_the_heads(name, wrong):
    loss = getattr(losses, name)(embedding_dim=wrong)
    with pytest.raises(ValueError, match=f"a loss with embedding_dim={DIM}"):
        fit(layers.CosFace(CLASSES), loss)


@pytest.mark.parametrize(
    ("head", "labelled", "warned"),
    [
        (layers.CosFace, False, True),
        (layers.CurricularFace, False, True),
        (layers.CosFace, True, False),
        (layers.MarginHead, False, False),
    ],
)
def test_warns_of_training_without_a_margin(head, labelled, warned, caplog):
    name = f"{head.__name__.lower()}_{labelled}"
    for _ in range(2):
        loss = losses.UNPGLoss(embedding_dim=DIM)
        with caplog.at_level(logging.WARNING, "unpg_tf"):
            fit(head(CLASSES, name=name), loss, labelled)
    message = (
        f"Expected {name}(embeddings, labels) in training. Received: no "
        "labels, so that no margin is applied"
    )
    assert caplog.messages.count(message) == int(warned)


def test_columns_of_a_users_own_pass():
    head, other = layers.CosFace(CLASSES), layers.CosFace(CLASSES + 3)
    loss = losses.UNPGLoss(embedding_dim=DIM)

    @tf.function
    def value(embeddings, labels):
        columns = [head(embeddings, labels), other(embeddings), embeddings]
        return loss(labels, tf.concat(columns, axis=1))

    embeddings = tf.random.normal([ROWS, DIM])
    assert np.isfinite(value(embeddings, tf.constant(LABELS)))
