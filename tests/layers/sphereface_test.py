"""Tests of SphereFace's factor and its annealing."""

import math

import numpy as np
import pytest
import tensorflow as tf

from unpg_tf import layers

COSINES = np.cos(np.linspace(0.01, math.pi - 0.01, 60))


def target_cosines(steps=0, **arguments):
    head = layers.SphereFace(2, **arguments)
    head.build((None, 3))
    head.step.assign(steps)
    return head.target_cosines(tf.constant(COSINES), None).numpy()


@pytest.mark.parametrize("margin", [1.5, 2.0, 4.0])
def test_the_target_falls_everywhere(margin):
    targets = target_cosines(margin=margin, anneal_start=0, anneal_floor=0)
    assert (np.diff(targets) < 0).all()


def test_a_factor_of_one_is_no_margin():
    np.testing.assert_allclose(target_cosines(margin=1.0), COSINES, atol=1e-12)


def test_the_margin_is_eased_in():
    gaps = [
        np.abs(target_cosines(steps, margin=3.0) - COSINES).mean()
        for steps in (0, 10, 100, 1000)
    ]
    assert gaps == sorted(gaps)
    assert gaps[0] < 0.01 < gaps[-1]


def test_annealing_stops_at_its_floor():
    late, later = (target_cosines(steps) for steps in (10**5, 10**6))
    np.testing.assert_array_equal(late, later)
