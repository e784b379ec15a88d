"""Makes a Keras model of a PyTorch checkpoint.

    python -m unpg_tf.tools.import_torch --checkpoint=backbone.pth \
        --arch=iresnet100 --output=model.keras

The checkpoint is a state dict of IResNet, MobileFaceNet or ViT, as
InsightFace's arcface_torch and (for IResNet) the authors of UNPG name its
tensors, also with the prefix `module.`. Both networks then embed the same
random images, and the model is written only if they agree.
"""

import math
import sys

import numpy as np
from absl import app
from absl import flags

from unpg_tf import backbones
from unpg_tf import ops
from unpg_tf.files import replaced
from unpg_tf.tools import state_dict
from unpg_tf.tools import torch_files
from unpg_tf.tools import torch_networks
from unpg_tf.tools.torch_networks import ARCHITECTURES

FLAGS = flags.FLAGS
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


def main(argv):
    """Imports what the flags say; exits with 1 and a message on an error."""
    if len(argv) > 1:
        raise app.UsageError(f"Expected flags only. Received: {argv[1:]}")
    try:
        ops.expect(
            FLAGS.output.endswith(".keras"),
            "a file that ends in .keras",
            output=FLAGS.output,
        )
        tensors = torch_files.load(FLAGS.checkpoint)
        model, error = convert(
            tensors, FLAGS.arch, FLAGS.image_size, FLAGS.scaling
        )
        with replaced(FLAGS.output) as temporary:
            # Keras goes by the suffix.
            named = temporary.with_name(f"{temporary.name}.keras")
            model.save(named)
            named.replace(temporary)
    except (ImportError, OSError, ValueError) as error:
        sys.exit(f"import_torch: {error}")
    print(f"{FLAGS.output}: differs from PyTorch by {error:.1e} of the largest")


def convert(tensors, arch, image_size=112, scaling="insightface"):
    """Builds the Keras model of a state dict, and compares it with PyTorch.

    Args:
        tensors: dict of names to arrays.
        arch: name, one of `ARCHITECTURES`.
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


def define_flags():
    """Defines the flags; not on import, since programs share the names."""
    flags.DEFINE_string("checkpoint", None, "The state dict. Required.")
    flags.DEFINE_enum("arch", None, list(ARCHITECTURES), "Network. Required.")
    flags.DEFINE_string("output", None, ".keras file to write. Required.")
    flags.DEFINE_integer("image_size", 112, "Pixels.", lower_bound=16)
    flags.DEFINE_enum(
        "scaling",
        "insightface",
        list(SCALINGS),
        "How pixels were scaled in training: to [-1, 1], or by ImageNet's "
        "mean and deviation, as the authors of UNPG do.",
    )
    flags.mark_flags_as_required(["checkpoint", "arch", "output"])


if __name__ == "__main__":
    define_flags()
    app.run(main)
