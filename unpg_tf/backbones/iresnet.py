"""IResNet, the residual network of ArcFace, InsightFace and UNPG's paper."""

import numpy as np
from tensorflow import keras

from unpg_tf import ops

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
    mean, std = np.array(mean), np.array(std)
    x = keras.layers.Rescaling((1 / std).tolist(), (-mean / std).tolist())(
        images
    )
    x = _norm(_conv(x, 64, name="conv1"), name="bn1")
    x = _prelu(x, name="prelu")
    for stage, blocks in enumerate(BLOCKS[depth]):
        for block in range(blocks):
            name = f"layer{stage + 1}.{block}"
            x = _block(x, 64 * 2**stage, 1 if block else 2, name)
    x = _norm(x, name="bn2")
    x = keras.layers.Dropout(dropout, name="dropout")(x)
    x = _fully_connected(x, embedding_dim)
    x = _norm(x, name="features", dtype="float32")
    return keras.Model(images, x, name=f"iresnet{depth}")


def _block(x, filters, strides, name):
    y = _norm(x, name=f"{name}.bn1")
    y = _norm(_conv(y, filters, name=f"{name}.conv1"), name=f"{name}.bn2")
    y = _prelu(y, name=f"{name}.prelu")
    y = _conv(y, filters, strides=strides, name=f"{name}.conv2")
    y = _norm(y, name=f"{name}.bn3")
    if strides != 1:
        x = _conv(x, filters, 1, strides, name=f"{name}.downsample.0")
        x = _norm(x, name=f"{name}.downsample.1")
    return keras.layers.Add(name=f"{name}.add")([y, x])


def _conv(x, filters, kernel_size=3, strides=1, *, name):
    if kernel_size > 1 and strides > 1:
        # Here "same" pads unevenly, unlike the original.
        x = keras.layers.ZeroPadding2D(1, name=f"{name}.pad")(x)
    return keras.layers.Conv2D(
        filters,
        kernel_size,
        strides=strides,
        padding="same" if strides == 1 else "valid",
        use_bias=False,
        kernel_initializer=keras.initializers.VarianceScaling(2.0, "fan_out"),
        name=name,
    )(x)


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


def _norm(x, **options):
    return keras.layers.BatchNormalization(
        momentum=0.9, epsilon=1e-5, synchronized=True, **options
    )(x)


def _prelu(x, name):
    return keras.layers.PReLU(
        alpha_initializer=keras.initializers.Constant(0.25),
        shared_axes=[1, 2],
        name=name,
    )(x)
