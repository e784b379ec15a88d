"""Tests of IResNet against a plain NumPy rendering of the original."""

import zlib
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
from tensorflow import keras

from unpg_tf.backbones import build
from unpg_tf.backbones import iresnet
from unpg_tf.backbones.iresnet import BLOCKS

# The last map is 2 by 2, so that the order of flattening matters.
SIZE, DIM = 32, 6
# The names of a layer's weights in Keras and in PyTorch's state dict.
NAMES = {
    "kernel": "weight",
    "bias": "bias",
    "gamma": "weight",
    "beta": "bias",
    "moving_mean": "running_mean",
    "moving_variance": "running_var",
    "alpha": "weight",
}


def tensor(key, shape):
    """A state dict's tensor, other for each name, in PyTorch's layout."""
    rng = np.random.default_rng(zlib.crc32(key.encode()))
    if key.endswith("running_var"):
        return rng.uniform(0.5, 1.5, shape)
    if key.endswith(("running_mean", "bias")):
        return 0.1 * rng.normal(size=shape)
    if len(shape) == 1:
        return rng.uniform(0.2, 1.2, shape)
    return rng.normal(size=shape) / np.sqrt(np.prod(shape[1:]))


def fill(model):
    for layer in model.layers:
        layer.set_weights([of_torch(layer.name, w) for w in layer.weights])


def of_torch(layer, weight):
    kind = weight.name.split("/")[-1].split(":")[0]
    key = f"{layer}.{NAMES[kind]}"
    if kind != "kernel":
        return tensor(key, weight.shape[-1:]).reshape(weight.shape)
    height, width, channels, filters = weight.shape
    if layer == "fc":
        # PyTorch has a matrix there, to [batch, channels * height * width].
        flat = tensor(key, (filters, channels * height * width))
        kernel = flat.reshape(filters, channels, height, width)
    else:
        kernel = tensor(key, (filters, channels, height, width))
    return kernel.transpose(2, 3, 1, 0)


def conv(x, key, filters, size, stride):
    kernel = tensor(key, (filters, x.shape[1], size, size))
    margin = size // 2
    x = np.pad(x, [(0, 0), (0, 0), (margin, margin), (margin, margin)])
    side = (x.shape[2] - size) // stride + 1
    y = np.zeros((len(x), filters, side, side))
    for i in range(side):
        for j in range(side):
            top, left = i * stride, j * stride
            window = x[:, :, top : top + size, left : left + size]
            y[:, :, i, j] = np.tensordot(window, kernel, [[1, 2, 3]] * 2)
    return y


def norm(x, layer):
    shape = [1, -1] + [1] * (x.ndim - 2)
    weight, bias, mean, variance = (
        tensor(f"{layer}.{name}", x.shape[1:2]).reshape(shape)
        for name in ("weight", "bias", "running_mean", "running_var")
    )
    return (x - mean) / np.sqrt(variance + 1e-5) * weight + bias


def prelu(x, layer):
    slope = tensor(f"{layer}.weight", x.shape[1:2])[:, None, None]
    return np.where(x >= 0, x, slope * x)


def naive(images, depth):
    """The original's forward pass, [n, 3, h, w] in [-1, 1] to embeddings."""
    x = norm(conv(images, "conv1.weight", 64, 3, 1), "bn1")
    x = prelu(x, "prelu")
    for stage, blocks in enumerate(BLOCKS[depth], 1):
        filters = 32 * 2**stage
        for block in range(blocks):
            at, stride = f"layer{stage}.{block}", 1 if block else 2
            y = norm(x, f"{at}.bn1")
            y = norm(conv(y, f"{at}.conv1.weight", filters, 3, 1), f"{at}.bn2")
            y = prelu(y, f"{at}.prelu")
            y = conv(y, f"{at}.conv2.weight", filters, 3, stride)
            y = norm(y, f"{at}.bn3")
            if not block:
                down = f"{at}.downsample"
                x = conv(x, f"{down}.0.weight", filters, 1, stride)
                x = norm(x, f"{down}.1")
            x = x + y
    x = norm(x, "bn2").reshape(len(x), -1)
    x = x @ tensor("fc.weight", (DIM, x.shape[1])).T + tensor("fc.bias", (DIM,))
    return norm(x, "features")


# An odd side too: "same" pads that one evenly, 32 unevenly.
@pytest.mark.parametrize("size", [SIZE, 35])
def test_embeddings_are_those_of_the_original(size):
    images = np.random.default_rng(0).integers(0, 256, (2, size, size, 3))
    model = iresnet(18, size, DIM)
    fill(model)
    expected = naive(images.transpose(0, 3, 1, 2) / 127.5 - 1, 18)
    found = model(images.astype("uint8"), training=False)
    np.testing.assert_allclose(found, expected, atol=1e-5 * abs(expected).max())


def count(depth, size, dim):
    """Trainable parameters, and multiply-adds of an image."""
    side, inputs = size, 64
    parameters, multiply_adds = 3 * 64 * 9, 3 * 64 * 9 * size**2
    parameters += 3 * 64
    for stage, blocks in enumerate(BLOCKS[depth]):
        filters = 64 * 2**stage
        for block in range(blocks):
            before, side = side, side if block else (side + 1) // 2
            first, second = 9 * inputs * filters, 9 * filters**2
            short = 0 if block else inputs * filters
            parameters += first + second + short + 2 * inputs + 5 * filters
            parameters += 0 if block else 2 * filters
            multiply_adds += first * before**2 + (second + short) * side**2
            inputs = filters
    last = side**2 * inputs * dim
    return parameters + 2 * inputs + last + 3 * dim, multiply_adds + last


@pytest.mark.parametrize("depth", BLOCKS)
def test_its_size_is_the_documented_one(depth):
    parameters, multiply_adds = count(depth, 112, 512)
    row = (
        f"| `iresnet{depth}` | {parameters / 1e6:.1f} | "
        f"{multiply_adds / 1e9:.1f} |"
    )
    page = (
        Path(__file__).parents[2] / "docs" / "guides" / "performance.md"
    ).read_text()
    assert row in page.splitlines()


@pytest.mark.parametrize("depth", [18, 34])
def test_it_has_the_parameters_that_are_counted(depth):
    model = build(f"iresnet{depth}", SIZE, DIM)
    parameters, _ = count(depth, SIZE, DIM)
    found = sum(np.prod(w.shape) for w in model.trainable_weights)
    assert found == parameters


def test_embeddings_are_float32_in_half_precision():
    keras.mixed_precision.set_global_policy("mixed_bfloat16")
    try:
        model = iresnet(18, SIZE, DIM)
    finally:
        keras.mixed_precision.set_global_policy("float32")
    assert model.get_layer("layer4.1.conv2").compute_dtype == "bfloat16"
    assert model(np.zeros((1, SIZE, SIZE, 3))).dtype == tf.float32


def test_every_weight_gets_a_gradient():
    model = iresnet(18, SIZE, DIM)
    images = np.random.default_rng(0).uniform(0, 255, (8, SIZE, SIZE, 3))
    with tf.GradientTape() as tape:
        embeddings = model(images.astype("float32"), training=True)
        loss = tf.reduce_mean(embeddings[:, 0] * embeddings[:, 1])
    gradients = tape.gradient(loss, model.trainable_variables)
    assert all(np.isfinite(gradient).all() for gradient in gradients)


def test_it_saves_and_loads(tmp_path):
    model = iresnet(18, SIZE, DIM)
    fill(model)
    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    for here, there in zip(loaded.weights, model.weights, strict=True):
        np.testing.assert_array_equal(here, there)
    images = np.random.default_rng(0).uniform(0, 255, (2, SIZE, SIZE, 3))
    found = loaded(images, training=False)
    expected = model(images, training=False).numpy()
    # Sums of the same numbers, but not always in the same order.
    np.testing.assert_allclose(found, expected, atol=1e-5 * abs(expected).max())


def test_another_depth_or_too_small_an_image_is_an_error():
    with pytest.raises(ValueError, match="depth of .*100.*Received: depth=19"):
        iresnet(19)
    with pytest.raises(ValueError, match="16 pixels or more.*image_size=15"):
        iresnet(18, image_size=15)
