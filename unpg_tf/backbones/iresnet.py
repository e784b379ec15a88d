"""IResNet, the residual network of ArcFace, InsightFace and UNPG's paper."""

import functools

from tensorflow import keras

from unpg_tf import ops
from unpg_tf.backbones.modules import conv
from unpg_tf.backbones.modules import norm
from unpg_tf.backbones.modules import prelu
from unpg_tf.backbones.modules import scaled
from unpg_tf.backbones.recomputed import block

__all__ = ["BLOCKS", "iresnet"]

# Residual blocks of the four stages, by the depth in the network's name.
BLOCKS = {
    18: (2, 2, 2, 2),
    34: (3, 4, 6, 3),
    50: (3, 4, 14, 3),
    100: (3, 13, 30, 3),
    200: (6, 26, 60, 6),
}


def iresnet(
    depth,
    image_size=112,
    embedding_dim=512,
    dropout=0.4,
    mean=127.5,
    std=127.5,
    recompute=False,
):
    """Builds an IResNet, which maps faces to embeddings.

    Layers carry the names that the modules of the PyTorch original have
    (`layer1.0.conv1`), and compute what those do, so that weights can be
    carried over by name.

    Args:
        depth: 18, 34, 50, 100 or 200.
        image_size: integer, height and width of the images in pixels, 16 or
            more.
        embedding_dim: integer, dimension of the embeddings.
        dropout: rate of the dropout before the embedding layer.
        mean: float, or list of three for the channels; what is taken from
            the pixel values.
        std: float, or list of three; what the rest is divided by.
        recompute: bool. Whether a training step computes each residual block
            again in the backward pass, instead of keeping what it computed:
            less memory, about a third more time. The weights are the same.

    Returns:
        A `keras.Model`, images [n, image_size, image_size, 3] of values
        0..255 to [n, embedding_dim] float32 embeddings, not normalised.

    Raises:
        ValueError: there is no such depth, or `image_size` is below 16.

    Example:
        >>> iresnet(50, image_size=112, embedding_dim=512).output_shape
        (None, 512)

    Reference: Deng et al., *ArcFace*, CVPR 2019; Duta et al., *Improved
    Residual Networks*, ICPR 2020.
    """
    ops.expect(depth in BLOCKS, f"depth of {list(BLOCKS)}", depth=depth)
    ops.expect(
        image_size >= 16,
        "an image_size of 16 pixels or more",
        image_size=image_size,
    )
    images = keras.Input((image_size, image_size, 3), name="images")
    x = scaled(images, mean, std)
    x = norm(conv(x, 64, name="conv1"), name="bn1")
    x = prelu(x, name="prelu")
    for stage, blocks in enumerate(BLOCKS[depth]):
        for number in range(blocks):
            name = f"layer{stage + 1}.{number}"
            compute = functools.partial(
                _residual,
                filters=64 * 2**stage,
                strides=1 if number else 2,
                name=name,
            )
            x = block(compute, [x], name, recompute)
    x = norm(x, name="bn2")
    x = keras.layers.Dropout(dropout, name="dropout")(x)
    x = _fully_connected(x, embedding_dim)
    x = norm(x, name="features", dtype="float32")
    return keras.Model(images, x, name=f"iresnet{depth}")


def _residual(x, filters, strides, name):
    y = norm(x, name=f"{name}.bn1")
    y = norm(conv(y, filters, name=f"{name}.conv1"), name=f"{name}.bn2")
    y = prelu(y, name=f"{name}.prelu")
    y = conv(y, filters, strides=strides, name=f"{name}.conv2")
    y = norm(y, name=f"{name}.bn3")
    if strides != 1:
        x = conv(x, filters, 1, strides, name=f"{name}.downsample.0")
        x = norm(x, name=f"{name}.downsample.1")
    return keras.layers.Add(name=f"{name}.add")([y, x])


def _fully_connected(x, units):
    # As a convolution as large as the map. Its kernel has an axis each for
    # height, width and channels, so no order of flattening is at stake.
    x = keras.layers.Conv2D(
        units,
        (x.shape[1], x.shape[2]),
        kernel_initializer=keras.initializers.VarianceScaling(
            1 / 3, "fan_in", "uniform"
        ),
        dtype="float32",
        name="fc",
    )(x)
    return keras.layers.Flatten(dtype="float32", name="flatten")(x)
