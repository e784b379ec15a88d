"""Tests of CurricularFace's curriculum."""

import numpy as np
import tensorflow as tf

from tests import heads
from tests import oracle
from unpg_tf import layers

EMBEDDINGS, LABELS, CENTERS = heads.batch(rows=9, dim=6, num_classes=5)


def test_the_average_follows_the_batches():
    head = layers.CurricularFace(5, ema_rate=0.3)
    head.build((None, 6))
    head.centers.assign(CENTERS)
    t = 0.0
    for part in (slice(0, 4), slice(4, 9), slice(2, 6)):
        embeddings, labels = EMBEDDINGS[part], LABELS[part]
        cosines = head(
            tf.constant(embeddings, tf.float32), labels, training=True
        )
        plain = oracle.cosines_of(embeddings, CENTERS)
        t = oracle.curricularface_state(plain, labels, t, 0.3)
        np.testing.assert_allclose(head.t, t, rtol=1e-5)
        expected = oracle.curricularface(plain, None, labels, t)
        np.testing.assert_allclose(cosines, expected, atol=1e-5)


def test_hard_classes_alone_are_weighed():
    head = layers.CurricularFace(3, margin=0.5)
    head.build((None, 6))
    head.t.assign(0.25)
    cosines = tf.constant([[0.5, 0.9, -0.2]])
    weighed = head.class_cosines(cosines, targets=cosines[:, 0])
    # cos(acos(0.5) + 0.5) = 0.024, and only 0.9 and the target exceed it.
    np.testing.assert_allclose(
        weighed[0, 1:], [0.9 * (0.25 + 0.9), -0.2], rtol=1e-6
    )
