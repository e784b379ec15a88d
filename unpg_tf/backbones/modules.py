"""What the networks here are made of, as PyTorch's modules compute it."""

import numpy as np
from tensorflow import keras

__all__ = ["conv", "depthwise", "norm", "padded", "prelu", "scaled"]


def scaled(images, mean, std):
    """(images - mean) / std, each a float or a list of one per channel."""
    mean, std = np.array(mean), np.array(std)
    scale, offset = (1 / std).tolist(), (-mean / std).tolist()
    return keras.layers.Rescaling(scale, offset)(images)


def padded(x, kernel_size, strides, name):
    """What to convolve, and how to call its padding.

    Where the stride is above 1, "same" pads unevenly, unlike the originals.
    """
    if strides == 1:
        return x, "same"
    if kernel_size > 1:
        x = keras.layers.ZeroPadding2D(kernel_size // 2, name=f"{name}.pad")(x)
    return x, "valid"


def conv(x, filters, kernel_size=3, strides=1, *, name, **options):
    """A convolution without bias, padded by half of its kernel."""
    x, padding = padded(x, kernel_size, strides, name)
    return keras.layers.Conv2D(
        filters,
        kernel_size,
        strides=strides,
        padding=padding,
        use_bias=False,
        kernel_initializer=keras.initializers.VarianceScaling(2.0, "fan_out"),
        name=name,
        **options,
    )(x)


def depthwise(x, kernel_size=3, strides=1, *, name):
    """A convolution of each channel by itself, padded as `conv`."""
    x, padding = padded(x, kernel_size, strides, name)
    # PyTorch counts the outputs of all channels as those of one.
    deviation = (2.0 / (kernel_size**2 * x.shape[-1])) ** 0.5
    return keras.layers.DepthwiseConv2D(
        kernel_size,
        strides=strides,
        padding=padding,
        use_bias=False,
        depthwise_initializer=keras.initializers.RandomNormal(0.0, deviation),
        name=name,
    )(x)


def norm(x, epsilon=1e-5, **options):
    """Batch normalisation, synchronised over replicas."""
    return keras.layers.BatchNormalization(
        momentum=0.9, epsilon=epsilon, synchronized=True, **options
    )(x)


def prelu(x, **options):
    """A leaky ReLU with a slope of its own for each channel."""
    return keras.layers.PReLU(
        alpha_initializer=keras.initializers.Constant(0.25),
        shared_axes=[1, 2],
        **options,
    )(x)
