"""Losses of pairs and their gradients, as TensorFlow Addons has them."""

import numpy as np
import pytest
import tensorflow as tf
import tensorflow_addons as tfa

from tests import heads
from unpg_tf import losses

ROWS, DIM, CLASSES = 24, 6, 5
EMBEDDINGS, LABELS, _ = heads.batch(ROWS, DIM, CLASSES)


def value_and_slopes(loss):
    """A loss of unit vectors, and its gradient where these come from."""
    embeddings = tf.constant(EMBEDDINGS, tf.float32)
    with tf.GradientTape() as tape:
        tape.watch(embeddings)
        value = loss(LABELS, tf.nn.l2_normalize(embeddings, axis=1))
    return value, tape.gradient(value, embeddings)


def assert_same(ours, theirs):
    for here, there in zip(ours, theirs, strict=True):
        assert np.any(there)
        np.testing.assert_allclose(here, there, rtol=1e-4, atol=1e-7)


@pytest.mark.parametrize("margin", [0.2, 1.0])
def test_triplets_are_those_of_addons(margin):
    theirs = tfa.losses.TripletSemiHardLoss(margin, "squared-L2")
    ours = losses.TripletSemiHardLoss(margin, embedding_dim=DIM)
    assert_same(value_and_slopes(ours), value_and_slopes(theirs))


def test_anchors_and_positives_are_those_of_addons():
    # Addons knows one positive for each anchor, apart from the anchors: the
    # first half of the rows against the second.
    classes = np.arange(ROWS // 2)
    ours = losses.NPairLoss(scale=16.0, embedding_dim=DIM)
    own = tf.eye(len(classes)) > 0

    def parts(units):
        anchors, others = tf.split(units, 2)
        return tf.matmul(anchors, others, transpose_b=True)

    assert_same(
        value_and_slopes(
            lambda _, units: tf.reduce_mean(
                ours.row_losses(parts(units), own, ~own)
            )
        ),
        value_and_slopes(
            lambda _, units: tfa.losses.npairs_loss(classes, 16 * parts(units))
        ),
    )
