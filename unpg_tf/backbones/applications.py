"""The networks of `keras.applications`, by name, as backbones."""

import difflib
import sys

import numpy as np
from tensorflow import keras


def application(name, image_size, embedding_dim, dropout=0.0):
    """Builds a network of `keras.applications` that gives embeddings.

    The network starts from random weights, its features are averaged over
    the image, and a linear layer maps them to the embedding. The family's own
    preprocessing is part of the model: it takes pixel values.

    Args:
        name: the constructor's name, such as `MobileNetV2`; case and
            underscores don't matter.
        image_size: integer, height and width of the images in pixels.
        embedding_dim: integer.
        dropout: rate of the dropout before the linear layer.

    Returns:
        A `keras.Model`, images [n, image_size, image_size, 3] of values
        0..255 to [n, embedding_dim] float32 embeddings, not normalised.

    Raises:
        ValueError: there is no such network, or its smallest image is larger
            than `image_size`.

    Example:
        >>> application("mobilenet_v2", 112, 512).output_shape
        (None, 512)
    """
    constructor = _find(name)
    images = keras.Input([image_size, image_size, 3], name="images")
    network = constructor(
        include_top=False,
        weights=None,
        input_shape=[image_size, image_size, 3],
        pooling="avg",
    )
    features = network(_preprocess(constructor, images))
    if dropout:
        features = keras.layers.Dropout(dropout)(features)
    # Half precision is too coarse for cosines.
    embeddings = keras.layers.Dense(
        embedding_dim, use_bias=False, dtype="float32", name="embeddings"
    )(features)
    return keras.Model(images, embeddings, name=network.name)


def _find(name):
    """The constructor of that name in `keras.applications`."""
    names = [n for n in dir(keras.applications) if n[0].isupper()]
    known = {_simplified(n): n for n in names}
    if _simplified(name) not in known:
        close = difflib.get_close_matches(_simplified(name), known, 5, 0.5)
        close = ", ".join(known[n] for n in close)
        raise ValueError(
            "Expected a backbone: small, iresnet18, iresnet34, iresnet50, "
            "iresnet100, iresnet200, mobilefacenet, vit_t, vit_s, vit_b, or a "
            "model of keras.applications"
            + (f" such as {close}" if close else "")
            + f". Received: {name}"
        )
    return getattr(keras.applications, known[_simplified(name)])


def _simplified(name):
    return "".join(c for c in name.lower() if c.isalnum())


def _preprocess(constructor, images):
    """Applies the family's `preprocess_input`, as layers.

    Each of them scales and shifts the channels, some after reversing them.
    What it does is therefore read from its answers to black and to red; as
    layers it's saved with the model, which a function isn't.
    """
    function = sys.modules[constructor.__module__].preprocess_input
    colours = np.array([[0, 0, 0], [1, 0, 0], [1, 1, 1]], np.float32)
    black, red, white = np.array(function(colours.copy()[None, None]))[0, 0]
    if red[0] == black[0]:
        images = images[:, :, :, ::-1]
    scale, offset = (white - black).tolist(), black.tolist()
    if scale == [1, 1, 1] and offset == [0, 0, 0]:
        return images
    return keras.layers.Rescaling(scale, offset, name="preprocessing")(images)
