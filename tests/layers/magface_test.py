"""Tests of MagFace's lengths and their penalty."""

import numpy as np
import pytest
import tensorflow as tf
from tensorflow import keras

from tests import oracle
from unpg_tf import layers

# Below, at, within and beyond the bounds of 10 and 110.
NORMS = np.array([1e-20, 5.0, 9.9, 30.0, 60.0, 109.0, 111.0, 1e30])
INSIDE = (NORMS > 10) & (NORMS < 110)


def slopes_of(function):
    norms = tf.constant(NORMS)
    with tf.GradientTape() as tape:
        tape.watch(norms)
        values = function(norms)
    return tape.gradient(values, norms).numpy()


def test_the_penalty_is_the_papers():
    penalty = layers.MagnitudePenalty(10.0, 110.0, weight=35.0)
    expected = oracle.magface_penalty(NORMS)
    np.testing.assert_allclose(penalty(tf.constant(NORMS)), expected)


def test_the_penalty_draws_towards_length_inside_the_bounds_alone():
    slopes = slopes_of(layers.MagnitudePenalty(10.0, 110.0, weight=35.0))
    assert (slopes[INSIDE] < 0).all()
    np.testing.assert_array_equal(slopes[~INSIDE], 0.0)


def test_gradients_reach_lengths_inside_the_bounds_alone():
    head = layers.MagFace(2)
    targets = tf.constant(np.full_like(NORMS, 0.5))
    slopes = slopes_of(lambda norms: head.target_cosines(targets, norms))
    assert (slopes[INSIDE] < 0).all()
    np.testing.assert_array_equal(slopes[~INSIDE], 0.0)


def test_the_penalty_is_the_heads():
    head = layers.MagFace(2, lower_norm=2.0, upper_norm=5.0, regularization=7.0)
    expected = {"lower_norm": 2.0, "upper_norm": 5.0, "weight": 7.0}
    assert head.norm_penalty.get_config() == expected
    assert layers.ArcFace(2).norm_penalty is None


def test_the_penalty_comes_back_from_its_config():
    penalty = layers.MagnitudePenalty(10.0, 110.0, weight=35.0)
    twin = keras.utils.deserialize_keras_object(
        keras.utils.serialize_keras_object(penalty)
    )
    assert isinstance(twin, layers.MagnitudePenalty)
    assert twin.get_config() == penalty.get_config()


@pytest.mark.parametrize("bounds", [(0.0, 1.0), (2.0, 2.0), (-1.0, 1.0)])
def test_the_penalty_refuses_wrong_bounds(bounds):
    with pytest.raises(ValueError, match="Expected 0 < lower_norm < upper"):
        layers.MagnitudePenalty(*bounds, weight=1.0)
