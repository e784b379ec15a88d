"""Tests of ArcFace, CosFace and their mixtures."""

import math

import numpy as np
import tensorflow as tf

from unpg_tf import layers

ANGLES = np.linspace(0.05, math.pi - 0.05, 50)


def target_cosines(head):
    targets = tf.constant(np.cos(ANGLES))
    return head.target_cosines(targets, norms=None).numpy()


def test_the_target_rises_again_beyond_pi_less_the_margin():
    falls = np.diff(target_cosines(layers.ArcFace(2, margin=0.5))) < 0
    before = ANGLES[1:] + 0.5 < math.pi
    np.testing.assert_array_equal(falls[before], True)
    np.testing.assert_array_equal(falls[~before][1:], False)


def test_with_the_threshold_the_target_falls_everywhere():
    head = layers.ArcFace(2, margin=0.5, threshold=True)
    assert (np.diff(target_cosines(head)) < 0).all()


def test_mixtures_hold_arcface_and_cosface():
    arcface = layers.CombinedMargin(2, m1=1.0, m2=0.5, m3=0.0)
    np.testing.assert_allclose(
        target_cosines(arcface), np.cos(ANGLES + 0.5), atol=1e-12
    )
    cosface = layers.CombinedMargin(2, m1=1.0, m2=0.0, m3=0.4)
    np.testing.assert_allclose(
        target_cosines(cosface), np.cos(ANGLES) - 0.4, atol=1e-12
    )
