"""Tests of MobileFaceNet against a plain NumPy rendering of the original."""

import sys
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
from tensorflow import keras

from tests.randomised import randomise
from unpg_tf.backbones import build
from unpg_tf.backbones import mobilefacenet
from unpg_tf.backbones.mobilefacenet import STAGES
from unpg_tf.weights import state_dict

# The last map is 3 by 3; an odd side, which "same" pads evenly, on the way.
SIZE, DIM = 36, 6
IMAGES = np.random.default_rng(0).integers(0, 256, (2, SIZE, SIZE, 3))
IMAGES = IMAGES.astype("float32")


@pytest.fixture(scope="module")
def model():
    return randomise(mobilefacenet(SIZE, DIM))


def conv(x, kernel, stride=1, margin=None):
    """[n, c, h, w] by [filters, members, h, w], each group by itself."""
    filters, members, size, _ = kernel.shape
    groups = x.shape[1] // members
    margin = size // 2 if margin is None else margin
    x = np.pad(x, [(0, 0), (0, 0), (margin, margin), (margin, margin)])
    x = x.reshape(len(x), groups, members, *x.shape[2:])
    kernel = kernel.reshape(groups, filters // groups, members, size, size)
    side = (x.shape[3] - size) // stride + 1
    y = np.zeros((len(x), groups, filters // groups, side, side))
    for i in range(side):
        for j in range(side):
            top, left = i * stride, j * stride
            window = x[..., top : top + size, left : left + size]
            y[..., i, j] = np.einsum("ngchw,gfchw->ngf", window, kernel)
    return y.reshape(len(x), filters, side, side)


def norm(x, tensors, name):
    shape = [1, -1] + [1] * (x.ndim - 2)
    weight, bias, mean, variance = (
        tensors[f"{name}.{kind}"].reshape(shape)
        for kind in ("weight", "bias", "running_mean", "running_var")
    )
    return (x - mean) / np.sqrt(variance + 1e-5) * weight + bias


def naive(images, tensors):
    """The original's forward pass, [n, 3, h, w] in [-1, 1] to embeddings."""

    def linear(x, name, stride=1, margin=None):
        x = conv(x, tensors[f"{name}.0.weight"], stride, margin)
        return norm(x, tensors, f"{name}.1")

    def active(x, name, stride=1):
        x = linear(x, name, stride)
        slope = tensors[f"{name}.2.weight"][:, None, None]
        return np.where(x >= 0, x, slope * x)

    def bottleneck(x, name, stride=1):
        x = active(x, f"{name}.layers.0.layers")
        x = active(x, f"{name}.layers.1.layers", stride)
        return linear(x, f"{name}.layers.2.layers")

    x = active(images, "layers.0.layers", 2)
    x = active(x, "layers.1.layers")
    for stage, count in ((2, 4), (4, 6), (6, 2)):
        x = bottleneck(x, f"layers.{stage}", 2)
        for i in range(count):
            x = x + bottleneck(x, f"layers.{stage + 1}.layers.{i}")
    x = active(x, "conv_sep.layers")
    x = linear(x, "features.layers.0.layers", margin=0).reshape(len(x), -1)
    x = x @ tensors["features.layers.2.weight"].T
    return norm(x, tensors, "features.layers.3")


def test_embeddings_are_those_of_the_original(model):
    tensors = state_dict.from_model(model)
    expected = naive(IMAGES.transpose(0, 3, 1, 2) / 127.5 - 1, tensors)
    assert abs(expected[0] - expected[1]).max() > 0.1 * abs(expected).max()
    found = model(IMAGES, training=False)
    np.testing.assert_allclose(found, expected, atol=1e-5 * abs(expected).max())


def count(size, dim):
    """Trainable parameters, and multiply-adds of an image."""
    side = (size + 1) // 2
    # Of a kernel for each place, and as many again in the next.
    weights = (3 * 128 + 2 * 128) * 9
    parameters, multiply_adds = weights + 6 * 128, weights * side**2
    inputs = 128
    for filters, halving, channels, blocks in STAGES:
        for number in range(blocks + 1):
            inner = channels if number else halving
            before, side = side, side if number else (side + 1) // 2
            parameters += (inputs + 9 + filters + 6) * inner + 2 * filters
            multiply_adds += inputs * inner * before**2
            multiply_adds += (9 + filters) * inner * side**2
            inputs = filters
    last = 512 * (side**2 + dim)
    parameters += 512 * inputs + 3 * 512 + 2 * 512 + 2 * dim + last
    return parameters, multiply_adds + 512 * inputs * side**2 + last


def test_its_size_is_the_documented_one():
    parameters, multiply_adds = count(112, 512)
    row = f"| `mobilefacenet` | {parameters / 1e6:.1f} | "
    row += f"{multiply_adds / 1e9:.1f} |"
    page = (
        Path(__file__).parents[2] / "docs" / "guides" / "performance.md"
    ).read_text()
    assert row in page.splitlines()


def test_it_has_the_parameters_that_are_counted(model):
    found = sum(np.prod(w.shape) for w in model.trainable_weights)
    assert found == count(SIZE, DIM)[0]


def test_every_weight_gets_a_gradient_under_xla(monkeypatch):
    # Of each kind of block one: XLA takes its time for many.
    module = sys.modules["unpg_tf.backbones.mobilefacenet"]
    monkeypatch.setattr(module, "STAGES", [(*STAGES[0][:3], 1)])
    model = mobilefacenet(SIZE, DIM)

    @tf.function(jit_compile=True)
    def gradients(images):
        with tf.GradientTape() as tape:
            embeddings = model(images, training=True)
            loss = tf.reduce_mean(embeddings[:, 0] * embeddings[:, 1])
        return tape.gradient(loss, model.trainable_variables)

    for gradient in gradients(tf.repeat(IMAGES, 2, axis=0)):
        assert np.isfinite(gradient).all()


def test_it_saves_and_loads(model, tmp_path):
    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    expected = np.array(model(IMAGES, training=False))
    found = loaded(IMAGES, training=False)
    np.testing.assert_allclose(found, expected, atol=1e-5 * abs(expected).max())


def test_embeddings_are_float32_in_half_precision():
    keras.mixed_precision.set_global_policy("mixed_bfloat16")
    try:
        model = build("mobilefacenet", SIZE, DIM)
    finally:
        keras.mixed_precision.set_global_policy("float32")
    layer = model.get_layer("layers.7.layers.1.layers.2.layers.0")
    assert layer.compute_dtype == "bfloat16"
    assert model.get_layer("conv_sep.layers.0").compute_dtype == "float32"
    assert model(IMAGES).dtype == tf.float32


def test_too_small_an_image_is_an_error():
    with pytest.raises(ValueError, match="16 pixels or more.*image_size=15"):
        mobilefacenet(image_size=15)
