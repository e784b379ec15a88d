"""Tests of AdaCos beside what all heads have in common."""

import math

import numpy as np
import pytest
import tensorflow as tf
from tensorflow import keras

from tests import heads
from tests import oracle
from unpg_tf import layers
from unpg_tf import losses
from unpg_tf import models

ROWS, DIM, CLASSES = 8, 6, 5
EMBEDDINGS, LABELS, CENTERS = heads.batch(ROWS, DIM, CLASSES)
COSINES = oracle.cosines_of(EMBEDDINGS, CENTERS)


def built(**arguments):
    head = layers.AdaCos(CLASSES, **arguments)
    head.build((None, DIM))
    head.centers.assign(CENTERS)
    return head


def test_the_scale_follows_from_step_to_step():
    head, scale = built(dtype="float64"), math.sqrt(2) * math.log(CLASSES - 1)
    for _ in range(3):
        head(tf.constant(EMBEDDINGS), LABELS, training=True)
        scale = oracle.adacos_state(COSINES, LABELS, scale)
        np.testing.assert_allclose(head.adaptive_scale, scale, rtol=1e-7)


def test_a_scale_that_would_not_be_above_0_stays():
    head = built()
    before = float(tf.convert_to_tensor(head.adaptive_scale))
    head.centers.assign(-np.ones([CLASSES, DIM]))
    head(tf.ones([ROWS, DIM]), LABELS, training=True)
    assert float(tf.convert_to_tensor(head.adaptive_scale)) == before


def test_the_loss_has_the_scale_of_the_head_whatever_its_own():
    for scale in (16.0, 64.0):
        head = built(scale=scale)
        loss = losses.MarginLoss(scale, embedding_dim=DIM, reduction="none")
        rows = tf.constant(EMBEDDINGS, tf.float32)
        cosines = head(rows, LABELS, training=True)
        found = loss(LABELS, tf.concat([cosines, rows], axis=1))
        own = heads.adacos_state(COSINES, LABELS)
        expected = oracle.softmax_losses(COSINES, LABELS, own)
        np.testing.assert_allclose(found, expected, rtol=1e-4)


@pytest.mark.parametrize(
    ("loss", "message"),
    [
        (losses.UNPGLoss(embedding_dim=DIM), "MarginLoss with an AdaCos head"),
        (
            losses.UCELoss(embedding_dim=DIM),
            "a USS or UniFace head with UCELoss",
        ),
        (losses.MarginLoss(16.0, DIM), "the scale of the AdaCos head, 64"),
    ],
)
def test_a_loss_that_does_not_fit_is_refused(loss, message):
    backbone = keras.Sequential([keras.Input([DIM]), keras.layers.Dense(DIM)])
    model = models.EmbeddingModel(backbone, layers.AdaCos(CLASSES))
    with pytest.raises(ValueError, match=f"Expected .*{message}"):
        model.compile("sgd", loss)


@pytest.mark.parametrize("option", [{"sample_rate": 0.5}, {"sharded": True}])
def test_a_part_of_the_classes_is_refused(option):
    with pytest.raises(ValueError, match="the cosines to all classes"):
        layers.AdaCos(CLASSES, **option)
