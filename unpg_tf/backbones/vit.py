"""Vision transformers for faces, of InsightFace's three sizes."""

import functools

import numpy as np
from tensorflow import keras

from unpg_tf import ops
from unpg_tf.backbones import recomputed
from unpg_tf.backbones import tokens
from unpg_tf.backbones.modules import norm
from unpg_tf.backbones.modules import scaled

__all__ = ["HEADS", "PATCH", "SIZES", "vit"]

# Channels and blocks, by the size's letter.
SIZES = {"t": (256, 12), "s": (512, 12), "b": (512, 24)}
PATCH, HEADS = 9, 8
_EPSILON = 2e-5


def vit(
    size,
    image_size=112,
    embedding_dim=512,
    dropout=0.0,
    mean=127.5,
    std=127.5,
    drop_path=0.1,
    mask_rate=0.1,
    recompute=False,
):
    """Builds a vision transformer, which maps faces to embeddings.

    Of patches of 9 pixels; a margin that they leave at the right and at the
    bottom is not looked at. The embedding is computed from all tokens. Layers
    carry the names of InsightFace's modules (`blocks.0.attn.qkv`), and compute
    what those do, so that weights can be carried over by name.

    Args:
        size: `t`, `s` or `b`, for tiny, small, base.
        image_size: integer, height and width of the images in pixels, 9 or
            more.
        embedding_dim: integer, dimension of the embeddings.
        dropout: rate of the dropout before the embedding layers; the original
            has none.
        mean: float, or list of three for the channels; what is taken from
            the pixel values.
        std: float, or list of three; what the rest is divided by.
        drop_path: rate at which a training step leaves the last block out,
            image by image; it rises from 0 at the first block.
        mask_rate: part of the patches that a training step leaves out.
        recompute: bool. Whether a training step computes each block again in
            the backward pass, instead of keeping what it computed: less
            memory, about a third more time. The weights are the same.

    Returns:
        A `keras.Model`, images [n, image_size, image_size, 3] of values
        0..255 to [n, embedding_dim] float32 embeddings, not normalised.

    Raises:
        ValueError: there is no such size, or an argument is out of range.

    Example:
        >>> vit("t", image_size=112, embedding_dim=512).output_shape
        (None, 512)

    Reference: Dosovitskiy et al., *An Image is Worth 16x16 Words*, ICLR 2021;
    An et al., *Killing Two Birds with One Stone*, CVPR 2022.
    """
    ops.expect(size in SIZES, f"size of {list(SIZES)}", size=size)
    ops.expect(
        image_size >= PATCH,
        f"an image_size of {PATCH} pixels or more",
        image_size=image_size,
    )
    channels, depth = SIZES[size]
    images = keras.Input((image_size, image_size, 3), name="images")
    x = keras.layers.Conv2D(
        channels,
        PATCH,
        strides=PATCH,
        kernel_initializer=keras.initializers.VarianceScaling(
            1 / 3, "fan_in", "uniform"
        ),
        name="patch_embed.proj",
    )(scaled(images, mean, std))
    x = keras.layers.Reshape((-1, channels), name="patches")(x)
    x = tokens.Positions(name="pos_embed")(x)
    x, places = tokens.RandomSubset(mask_rate, name="subset")(x)
    for number, rate in enumerate(np.linspace(0, drop_path, depth).tolist()):
        name = f"blocks.{number}"
        kept = [
            tokens.Kept(rate, name=f"{name}.kept{branch}")(x)
            for branch in (1, 2)
        ]
        compute = functools.partial(_block, name=name)
        x = recomputed.block(compute, [x, *kept], name, recompute)
    x = _layer_norm(x, name="norm", dtype="float32")
    x = tokens.MaskFill(dtype="float32", name="mask_token")([x, places])
    x = keras.layers.Flatten(dtype="float32", name="flatten")(x)
    x = keras.layers.Dropout(dropout, dtype="float32", name="dropout")(x)
    for number, units in enumerate([channels, embedding_dim]):
        name = f"feature.{2 * number}"
        x = _dense(x, units, name=name, use_bias=False, dtype="float32")
        name = f"feature.{2 * number + 1}"
        x = norm(x, epsilon=_EPSILON, name=name, dtype="float32")
    return keras.Model(images, x, name=f"vit_{size}")


def _block(x, kept_attention, kept_mlp, name):
    channels = x.shape[-1]
    y = _layer_norm(x, name=f"{name}.norm1")
    y = _dense(y, 3 * channels, name=f"{name}.attn.qkv", use_bias=False)
    y = tokens.Attention(HEADS, name=f"{name}.attn")(y)
    y = _dense(y, channels, name=f"{name}.attn.proj")
    x = _added(x, y, kept_attention, f"{name}.attn")
    y = _layer_norm(x, name=f"{name}.norm2")
    y = _dense(y, 4 * channels, name=f"{name}.mlp.fc1")
    y = keras.layers.ReLU(max_value=6.0, name=f"{name}.mlp.act")(y)
    y = _dense(y, channels, name=f"{name}.mlp.fc2")
    return _added(x, y, kept_mlp, f"{name}.mlp")


def _added(x, y, kept, name):
    y = keras.layers.Multiply(name=f"{name}.kept")([y, kept])
    return keras.layers.Add(name=f"{name}.add")([x, y])


def _dense(x, units, **options):
    # PyTorch cuts the normal distribution off beyond 2, not 2 deviations.
    normal = keras.initializers.RandomNormal(stddev=0.02)
    return keras.layers.Dense(units, kernel_initializer=normal, **options)(x)


def _layer_norm(x, **options):
    return keras.layers.LayerNormalization(epsilon=1e-5, **options)(x)
