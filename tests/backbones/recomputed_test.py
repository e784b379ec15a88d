"""Tests of gradient checkpointing: the same training, less memory."""

import os
import subprocess
import sys

import numpy as np
import pytest
import tensorflow as tf
from tensorflow import keras

from unpg_tf.backbones import iresnet
from unpg_tf.backbones import mobilefacenet
from unpg_tf.backbones import recomputed
from unpg_tf.backbones.modules import conv
from unpg_tf.backbones.modules import norm
from unpg_tf.backbones.modules import prelu

ROWS, SIDE, CHANNELS = 8, 4, 3
IMAGES = np.random.default_rng(0).normal(5, 3, (ROWS, SIDE, SIDE, CHANNELS))
IMAGES = IMAGES.astype("float32")


def network(recompute):
    """Two blocks, with what the networks' blocks are made of."""
    keras.utils.set_random_seed(3)

    def compute(x, name):
        y = prelu(norm(x, name=f"{name}.norm1"), name=f"{name}.prelu")
        return norm(conv(y, CHANNELS, name=f"{name}.conv"), name=f"{name}.n2")

    images = x = keras.Input(IMAGES.shape[1:])
    for name in ("a", "b"):
        x = recomputed.block(
            lambda x, name=name: compute(x, name), [x], name, recompute
        )
    return keras.Model(images, keras.layers.Flatten()(x))


def trained(strategy, recompute, jit_compile=False):
    """Losses by epoch and weights; `fit` is called, and traced, twice."""
    with strategy.scope():
        model = network(recompute)
        model.compile(keras.optimizers.SGD(0.1), "mse", jit_compile=jit_compile)
    dataset = tf.data.Dataset.from_tensors(
        (IMAGES, tf.ones([ROWS, SIDE * SIDE * CHANNELS]))
    )
    histories = [
        model.fit(dataset.repeat(2), epochs=2, verbose=0) for _ in range(2)
    ]
    values = [value for h in histories for value in h.history["loss"]]
    return values, model.get_weights()


@pytest.fixture(scope="module")
def kept():
    return trained(tf.distribute.get_strategy(), recompute=False)


def assert_same(found, expected):
    np.testing.assert_allclose(found[0], expected[0], rtol=1e-5)
    assert len(found[1]) == len(expected[1])
    # Moving averages too: the second pass leaves them alone.
    for here, there in zip(found[1], expected[1], strict=True):
        np.testing.assert_allclose(here, there, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("jit_compile", [False, True])
def test_it_trains_as_without(kept, jit_compile):
    one = tf.distribute.get_strategy()
    assert_same(trained(one, True, jit_compile), kept)


def test_it_trains_as_without_on_replicas(kept, strategy_of):
    assert_same(trained(strategy_of(2), True), kept)


@pytest.mark.parametrize("make", [mobilefacenet, lambda **k: iresnet(18, **k)])
def test_the_weights_are_those_of_the_network_without(make):
    plain, again = (
        make(image_size=16, embedding_dim=4, recompute=recompute)
        for recompute in (False, True)
    )
    again.set_weights(plain.get_weights())
    images = np.random.default_rng(0).uniform(0, 255, (2, 16, 16, 3))
    np.testing.assert_allclose(again(images), plain(images), rtol=1e-5)


def test_it_takes_less_memory():
    # In a process of its own: the system says how much it was at most. One
    # thread runs what is ready in the order in which it became so, which is
    # the worst: all that waits keeps its inputs.
    program = """
import pathlib
import tensorflow as tf
from tensorflow import keras
from unpg_tf.backbones import recomputed

def compute(x):
    for _ in range(8):
        x = keras.activations.tanh(keras.layers.DepthwiseConv2D(1)(x))
    return x

def most():
    lines = pathlib.Path("/proc/self/status").read_text().splitlines()
    return next(int(x.split()[1]) for x in lines if x.startswith("VmHWM"))

for recompute in (True, False):
    images = x = keras.Input([128, 128, 8])
    for i in range(4):
        x = recomputed.block(compute, [x], f"block{i}", recompute)
    model = keras.Model(images, x)

    @tf.function
    def step(images):
        with tf.GradientTape() as tape:
            loss = tf.reduce_mean(model(images, training=True))
        return tape.gradient(loss, model.trainable_variables)

    step(tf.ones([1, 128, 128, 8]))
    before = most()
    step(tf.ones([32, 128, 128, 8]))
    print(most() - before)
"""
    done = subprocess.run(
        [sys.executable, "-c", program],
        env={**os.environ, "TF_NUM_INTEROP_THREADS": "1"},
        capture_output=True,
        text=True,
        check=True,
    )
    # Above what the process had at most until then.
    again, more = map(int, done.stdout.split())
    # 4 maps and those within one block, where else there are 32 or more.
    assert again < 0.6 * (again + more)
