"""MobileFaceNet, a network of faces for phones."""

import functools

from tensorflow import keras

from unpg_tf import ops
from unpg_tf.backbones import recomputed
from unpg_tf.backbones.grouped import GroupedConv2D
from unpg_tf.backbones.modules import conv
from unpg_tf.backbones.modules import depthwise
from unpg_tf.backbones.modules import norm
from unpg_tf.backbones.modules import padded
from unpg_tf.backbones.modules import prelu
from unpg_tf.backbones.modules import scaled

__all__ = ["STAGES", "mobilefacenet"]

# Of a stage: filters, channels of the depthwise convolution that halves the
# map, and of those in the residual bottlenecks, and how many of the latter.
STAGES = ((128, 128, 128, 4), (256, 256, 256, 6), (256, 512, 256, 2))
_LAST = 512


def mobilefacenet(
    image_size=112,
    embedding_dim=512,
    dropout=0.0,
    mean=127.5,
    std=127.5,
    recompute=False,
):
    """Builds MobileFaceNet, with twice the channels of the paper's.

    So InsightFace has it, and layers carry the names that the modules there
    have, so that weights can be carried over by name.

    Args:
        image_size: integer, height and width of the images in pixels, 16 or
            more.
        embedding_dim: integer, dimension of the embeddings.
        dropout: rate of the dropout before the embedding layer; the original
            has none.
        mean: float, or list of three for the channels; what is taken from
            the pixel values.
        std: float, or list of three; what the rest is divided by.
        recompute: bool. Whether a training step computes each bottleneck
            again in the backward pass, instead of keeping what it computed.

    Returns:
        A `keras.Model`, images [n, image_size, image_size, 3] of values
        0..255 to [n, embedding_dim] float32 embeddings, not normalised.

    Raises:
        ValueError: `image_size` is below 16.

    Example:
        >>> mobilefacenet(image_size=112, embedding_dim=512).output_shape
        (None, 512)

    Reference: Chen et al., *MobileFaceNets*, CCBR 2018.
    """
    ops.expect(
        image_size >= 16,
        "an image_size of 16 pixels or more",
        image_size=image_size,
    )
    images = keras.Input((image_size, image_size, 3), name="images")
    x = conv(
        scaled(images, mean, std), 128, strides=2, name="layers.0.layers.0"
    )
    x = _active(x, "layers.0")
    x = _active(_in_pairs(x, "layers.1.layers.0"), "layers.1")
    for stage, (filters, halving, channels, count) in enumerate(STAGES):
        name = f"layers.{2 + 2 * stage}"
        x = _bottleneck(x, filters, halving, 2, name)
        for number in range(count):
            name = f"layers.{3 + 2 * stage}.layers.{number}"
            compute = functools.partial(_residual, channels=channels, name=name)
            x = recomputed.block(compute, [x], name, recompute)
    # The rest is too coarse in half precision, in the original too.
    x = conv(x, _LAST, 1, name="conv_sep.layers.0", dtype="float32")
    x = _active(x, "conv_sep", dtype="float32")
    x = _embedding(x, embedding_dim, dropout)
    return keras.Model(images, x, name="mobilefacenet")


def _active(x, name, **options):
    """Normalisation and activation of what `name.layers.0` has computed."""
    x = norm(x, name=f"{name}.layers.1", **options)
    return prelu(x, name=f"{name}.layers.2", **options)


def _in_pairs(x, name):
    """A convolution of two channels to two each."""
    x, padding = padded(x, 3, 1, name)
    return GroupedConv2D(
        x.shape[-1],
        3,
        groups=x.shape[-1] // 2,
        padding=padding,
        use_bias=False,
        kernel_initializer=keras.initializers.VarianceScaling(2.0, "fan_out"),
        name=name,
    )(x)


def _bottleneck(x, filters, channels, strides, name):
    first, second, third = (f"{name}.layers.{i}" for i in range(3))
    x = _active(conv(x, channels, 1, name=f"{first}.layers.0"), first)
    x = depthwise(x, strides=strides, name=f"{second}.layers.0")
    x = conv(_active(x, second), filters, 1, name=f"{third}.layers.0")
    return norm(x, name=f"{third}.layers.1")


def _residual(x, channels, name):
    y = _bottleneck(x, x.shape[-1], channels, 1, name)
    return keras.layers.Add(name=f"{name}.add")([x, y])


def _embedding(x, units, dropout):
    """A weight for each place of each channel, then a linear layer."""
    x = keras.layers.DepthwiseConv2D(
        (x.shape[1], x.shape[2]),
        use_bias=False,
        depthwise_initializer=keras.initializers.RandomNormal(
            0.0, (2.0 / (x.shape[1] * x.shape[2] * x.shape[3])) ** 0.5
        ),
        dtype="float32",
        name="features.layers.0.layers.0",
    )(x)
    x = norm(x, name="features.layers.0.layers.1", dtype="float32")
    x = keras.layers.Flatten(dtype="float32", name="flatten")(x)
    x = keras.layers.Dropout(dropout, dtype="float32", name="dropout")(x)
    x = keras.layers.Dense(
        units,
        use_bias=False,
        kernel_initializer=keras.initializers.VarianceScaling(2.0, "fan_out"),
        dtype="float32",
        name="features.layers.2",
    )(x)
    return norm(x, name="features.layers.3", dtype="float32")
