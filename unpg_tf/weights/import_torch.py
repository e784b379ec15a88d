"""Makes a Keras model of a PyTorch state dict, and proves that they agree."""

import math

import numpy as np

from unpg_tf import backbones
from unpg_tf import ops
from unpg_tf.weights import state_dict
from unpg_tf.weights import torch_networks

# The last vector of each network; its length is the embedding's.
_LAST = ("features.bias", "features.layers.3.bias", "feature.3.bias")
# Of pixel values 0..255; the authors of UNPG take ImageNet's.
SCALINGS = {
    "insightface": {"mean": 127.5, "std": 127.5},
    "imagenet": {
        "mean": [123.675, 116.28, 103.53],
        "std": [58.395, 57.12, 57.375],
    },
}
# Largest difference of the embeddings, in parts of their largest entry.
TOLERANCE = 1e-3


def from_state_dict(tensors, arch, image_size=112, scaling="insightface"):
    """Builds the Keras model of a state dict, and compares it with PyTorch.

    InsightFace's arcface_torch and, for IResNet, the authors of UNPG name the
    tensors so. Both networks embed the same random images.

    Args:
        tensors: dict of names to arrays, also with the prefix `module.`.
        arch: name, such as `iresnet100`, `mobilefacenet` or `vit_t`.
        image_size: integer, pixels, what the network was trained on.
        scaling: `insightface`, or `imagenet` as the authors of UNPG have it.

    Returns:
        The `keras.Model`, and the largest difference of the two networks'
        embeddings in parts of the largest entry.

    Raises:
        ValueError: tensors are missing, extra or of another shape, or the
            networks differ.
    """
    tensors = state_dict.plain(tensors)
    dims = [len(tensors[name]) for name in _LAST if name in tensors]
    dim = dims[0] if dims else 512
    model = backbones.build(arch, image_size, dim, **SCALINGS[scaling])
    state_dict.assign(model, tensors)
    error = difference(model, tensors, arch, SCALINGS[scaling])
    ops.expect(
        math.isfinite(error) and error <= TOLERANCE,
        f"embeddings as PyTorch's, to {TOLERANCE} of the largest",
        difference=error,
    )
    return model, error


def difference(model, tensors, arch, scaling):
    """The largest difference from PyTorch's embeddings of random images."""
    shape = (2, *model.input_shape[1:])
    images = np.random.default_rng(0).integers(0, 256, shape)
    images = images.astype(np.float32)
    scaled = (images - scaling["mean"]) / scaling["std"]
    expected = torch_networks.embeddings(arch, tensors, scaled)
    found = model(images, training=False).numpy()
    return float(abs(found - expected).max() / abs(expected).max())
