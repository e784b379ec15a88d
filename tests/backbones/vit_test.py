"""Tests of the vision transformers against plain NumPy."""

from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
from tensorflow import keras

from tests.randomised import randomise
from unpg_tf.backbones import build
from unpg_tf.backbones import vit
from unpg_tf.backbones.tokens import MaskFill
from unpg_tf.backbones.tokens import RandomSubset
from unpg_tf.backbones.vit import SIZES
from unpg_tf.weights import state_dict

# Patches of 9 pixels: 3 by 3 of them, and a margin of 4.
SIZE, DIM, PATCHES, CHANNELS = 31, 6, 9, 16
IMAGES = np.random.default_rng(0).integers(0, 256, (3, SIZE, SIZE, 3))
IMAGES = IMAGES.astype("float32")


@pytest.fixture(autouse=True)
def a_size_of_two_blocks(monkeypatch):
    monkeypatch.setitem(SIZES, "x", (CHANNELS, 2))


@pytest.fixture
def model():
    return randomise(vit("x", SIZE, DIM, drop_path=0.5, mask_rate=0.3))


def naive(images, tensors):
    """The original's forward pass, [n, h, w, 3] in [-1, 1] to embeddings."""

    def linear(x, name):
        y = x @ tensors[f"{name}.weight"].T
        return y + tensors.get(f"{name}.bias", 0.0)

    def layer_norm(x, name):
        x = x - x.mean(-1, keepdims=True)
        x = x / np.sqrt((x**2).mean(-1, keepdims=True) + 1e-5)
        return x * tensors[f"{name}.weight"] + tensors[f"{name}.bias"]

    def norm(x, name):
        x = x - tensors[f"{name}.running_mean"]
        x = x / np.sqrt(tensors[f"{name}.running_var"] + 2e-5)
        return x * tensors[f"{name}.weight"] + tensors[f"{name}.bias"]

    def attention(x, name):
        parts = np.split(linear(x, f"{name}.qkv"), 3 * 8, axis=-1)
        heads = []
        for query, key, value in zip(
            parts[:8], parts[8:16], parts[16:], strict=True
        ):
            logits = query @ key.T / np.sqrt(CHANNELS / 8)
            shares = np.exp(logits - logits.max(-1, keepdims=True))
            heads.append(shares / shares.sum(-1, keepdims=True) @ value)
        return linear(np.concatenate(heads, axis=-1), f"{name}.proj")

    def mlp(x, name):
        return linear(np.clip(linear(x, f"{name}.fc1"), 0, 6), f"{name}.fc2")

    rows = []
    for image in images.transpose(0, 3, 1, 2):
        kernel = tensors["patch_embed.proj.weight"]
        x = [
            (kernel * image[:, i : i + 9, j : j + 9]).sum((1, 2, 3))
            for i in range(0, 27, 9)
            for j in range(0, 27, 9)
        ]
        x = np.array(x) + tensors["patch_embed.proj.bias"]
        x = x + tensors["pos_embed"][0]
        for i in range(2):
            name = f"blocks.{i}"
            x = x + attention(layer_norm(x, f"{name}.norm1"), f"{name}.attn")
            x = x + mlp(layer_norm(x, f"{name}.norm2"), f"{name}.mlp")
        rows.append(layer_norm(x, "norm").reshape(-1))
    x = norm(linear(np.array(rows), "feature.0"), "feature.1")
    return norm(linear(x, "feature.2"), "feature.3")


def test_embeddings_are_those_of_the_original(model):
    expected = naive(IMAGES / 127.5 - 1, state_dict.from_model(model))
    assert abs(expected[0] - expected[1]).max() > 0.1 * abs(expected).max()
    found = model(IMAGES, training=False)
    np.testing.assert_allclose(found, expected, atol=1e-5 * abs(expected).max())


def count(channels, depth, size, dim):
    """Trainable parameters, and multiply-adds of an image."""
    patches = (size // 9) ** 2
    first, block = 3 * 81 * channels, 12 * channels**2
    last = channels * (patches * channels + dim)
    parameters = first + depth * block + last
    # Biases, layer normalisation; the table, the token that masks.
    parameters += channels + depth * 10 * channels + 2 * channels
    parameters += patches * channels + channels
    parameters += 2 * channels + 2 * dim
    multiply_adds = patches * (first + depth * block) + last
    return parameters, multiply_adds + depth * 2 * patches**2 * channels


@pytest.mark.parametrize("size", "tsb")
def test_its_size_is_the_documented_one(size):
    parameters, multiply_adds = count(*SIZES[size], 112, 512)
    row = f"| `vit_{size}` | {parameters / 1e6:.1f} | "
    row += f"{multiply_adds / 1e9:.1f} |"
    page = (
        Path(__file__).parents[2] / "docs" / "guides" / "performance.md"
    ).read_text()
    assert row in page.splitlines()


def test_it_has_the_parameters_that_are_counted(model):
    found = sum(np.prod(w.shape) for w in model.trainable_weights)
    assert found == count(CHANNELS, 2, SIZE, DIM)[0]


def test_all_three_are_built_by_name():
    # Tiny, since what differs is two numbers.
    model = build("vit_t", 18, DIM)
    found = sum(np.prod(w.shape) for w in model.trainable_weights)
    assert found == count(*SIZES["t"], 18, DIM)[0]
    assert model.output_shape == (None, DIM)


def test_training_leaves_patches_out_and_fills_their_places():
    model = randomise(vit("x", SIZE, DIM, drop_path=0.0, mask_rate=0.5))
    answers = keras.Model(
        model.input,
        [model.get_layer(name).output for name in ("subset", "mask_token")],
    )
    (kept, places), filled = answers(IMAGES, training=True)
    assert kept.shape == (3, 4, CHANNELS)  # int(0.5 * 9)
    assert filled.shape == (3, PATCHES, CHANNELS)
    for row in np.array(places):
        assert sorted(row) == list(range(PATCHES))
    assert len({tuple(row) for row in np.array(places)}) == 3
    token = model.get_layer("mask_token").get_weights()[0]
    masked = np.isclose(filled, token, atol=1e-6).all(-1)
    np.testing.assert_array_equal(masked, np.array(places) >= 4)
    (whole, _), filled = answers(IMAGES, training=False)
    assert whole.shape[1] == PATCHES
    assert not np.isclose(filled, token, atol=1e-6).all(-1).any()


def test_tokens_come_back_to_their_places():
    inputs = np.random.default_rng(0).normal(size=(5, PATCHES, CHANNELS))
    inputs = tf.constant(inputs, tf.float32)
    tokens, places = RandomSubset(0.3)(inputs, training=True)
    fill = MaskFill()
    filled = np.array(fill([tokens, places]))
    (token,) = fill.get_weights()
    left_out = np.isclose(filled, token, atol=1e-7).all(-1)
    assert (left_out.sum(1) == 3).all()  # 9 - int(0.7 * 9)
    np.testing.assert_array_equal(filled[~left_out], inputs[~left_out])


def test_blocks_are_left_out_image_by_image():
    model = vit("x", SIZE, DIM, drop_path=0.5, mask_rate=0.0)
    images = np.repeat(IMAGES[:1], 64, axis=0)
    kept = model.get_layer("blocks.1.kept1").output
    kept = keras.Model(model.input, kept)
    assert set(np.unique(kept(images, training=True))) == {0.0, 2.0}
    assert np.all(np.array(kept(images, training=False)) == 1.0)
    first = keras.Model(model.input, model.get_layer("blocks.0.kept1").output)
    assert np.all(np.array(first(images, training=True)) == 1.0)


@pytest.mark.parametrize("recompute", [False, True])
def test_every_weight_gets_a_gradient_under_xla(recompute):
    model = vit("x", SIZE, DIM, recompute=recompute)

    @tf.function(jit_compile=True)
    def gradients(images):
        with tf.GradientTape() as tape:
            embeddings = model(images, training=True)
            loss = tf.reduce_mean(embeddings[:, 0] * embeddings[:, 1])
        return tape.gradient(loss, model.trainable_variables)

    for gradient in gradients(tf.repeat(IMAGES, 3, axis=0)):
        assert np.isfinite(gradient).all()


@pytest.mark.parametrize("recompute", [False, True])
def test_it_saves_and_loads(tmp_path, recompute):
    model = randomise(vit("x", SIZE, DIM, recompute=recompute))
    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    expected = np.array(model(IMAGES, training=False))
    found = loaded(IMAGES, training=False)
    np.testing.assert_allclose(found, expected, atol=1e-5 * abs(expected).max())
    # And trains on.
    assert np.isfinite(loaded(IMAGES, training=True)).all()


def test_embeddings_are_float32_in_half_precision():
    keras.mixed_precision.set_global_policy("mixed_bfloat16")
    try:
        model = vit("x", SIZE, DIM)
    finally:
        keras.mixed_precision.set_global_policy("float32")
    assert model.get_layer("blocks.1.mlp.fc2").compute_dtype == "bfloat16"
    assert model.get_layer("feature.0").compute_dtype == "float32"
    assert model(IMAGES, training=True).dtype == tf.float32


def test_another_size_or_a_rate_out_of_range_is_an_error():
    with pytest.raises(ValueError, match="size of .*'b'.*Received: size='l'"):
        vit("l")
    with pytest.raises(ValueError, match="9 pixels or more.*image_size=8"):
        vit("t", image_size=8)
    with pytest.raises(ValueError, match=r"rate in \[0, 1\).*rate=1.0"):
        vit("t", SIZE, DIM, mask_rate=1.0)
