"""Tests of AdaFace's statistics."""

import numpy as np
import pytest
import tensorflow as tf

from tests import heads
from tests import oracle
from unpg_tf import layers

EMBEDDINGS, LABELS, CENTERS = heads.batch(rows=9, dim=6, num_classes=5)


@pytest.fixture
def head():
    head = layers.AdaFace(5, ema_rate=0.3)
    head.build((None, 6))
    head.centers.assign(CENTERS)
    return head


def test_averages_follow_the_batches(head):
    state = (20.0, 100.0)
    for part in (slice(0, 4), slice(4, 9), slice(2, 6)):
        embeddings = tf.constant(EMBEDDINGS[part], tf.float32)
        head(embeddings, LABELS[part], training=True)
        state = oracle.adaface_state(
            oracle.norms_of(EMBEDDINGS[part]), state, 0.3
        )
        found = float(head.batch_mean), float(head.batch_std)
        np.testing.assert_allclose(found, state, rtol=1e-5)


def test_one_row_leaves_the_standard_deviation(head):
    head(tf.constant(EMBEDDINGS[:1], tf.float32), LABELS[:1], training=True)
    norm = min(np.linalg.norm(EMBEDDINGS[0]), 100.0)
    np.testing.assert_allclose(head.batch_mean, 14.0 + 0.3 * norm, rtol=1e-5)
    assert float(head.batch_std) == 100.0


def test_lengths_carry_no_gradient(head):
    embeddings = tf.constant(EMBEDDINGS, tf.float32)
    with tf.GradientTape() as tape:
        tape.watch(embeddings)
        cosines = head(embeddings, LABELS, training=True)
    along = np.sum(tape.gradient(cosines, embeddings) * embeddings, axis=1)
    np.testing.assert_allclose(along, np.zeros(9), atol=1e-5)
