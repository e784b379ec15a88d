"""Tests of ElasticFace's draws."""

import numpy as np
import pytest
import tensorflow as tf

from unpg_tf import layers

ROWS = 2000


def draws(steps=1, **arguments):
    """The margins of the last of some steps."""
    head = layers.ElasticFace(2, kind="cosface", **arguments)
    head.build((None, 3))
    for _ in range(steps):
        head.update_state(None, None)
    return -head.target_cosines(tf.zeros([ROWS]), None).numpy()


def test_margins_are_normal():
    margins = draws(margin=0.35, std=0.05)
    # Five standard errors of the mean and of the standard deviation.
    error = 5 * 0.05 / np.sqrt(ROWS)
    np.testing.assert_allclose(margins.mean(), 0.35, atol=error)
    np.testing.assert_allclose(margins.std(), 0.05, atol=error)


def test_each_step_and_each_seed_draw_anew():
    first = draws(steps=1, seed=1)
    np.testing.assert_array_equal(draws(steps=1, seed=1), first)
    for other in draws(steps=2, seed=1), draws(steps=1, seed=2):
        assert (other != first).mean() > 0.99


def test_no_deviation_is_no_chance():
    np.testing.assert_allclose(draws(margin=0.3, std=0.0), 0.3, rtol=1e-6)


@pytest.mark.parametrize(
    ("kind", "margin"), [("arcface", 0.5), ("cosface", 0.35)]
)
def test_the_margin_is_the_papers_by_kind(kind, margin):
    assert layers.ElasticFace(2, kind=kind).margin == margin
