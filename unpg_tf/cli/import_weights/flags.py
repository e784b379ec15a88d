r"""unpg import-weights: makes a Keras model of a PyTorch checkpoint.

    unpg import-weights --checkpoint=backbone.pth --arch=iresnet100 \
        --output=model.keras

The checkpoint is a state dict of IResNet, MobileFaceNet or ViT, as
InsightFace's arcface_torch and (for IResNet) the authors of UNPG name its
tensors. Both networks embed the same random images, and the model is written
only if they agree. It needs PyTorch: pip install "unpg-tf[torch]".
"""

from absl import flags

from unpg_tf.cli.topics import Topic
from unpg_tf.cli.topics import expect_no
from unpg_tf.cli.topics import require

FLAGS = flags.FlagValues()
FIRST = ("checkpoint", "arch", "output", "image_size", "scaling")
ARCHITECTURES = [
    *(f"iresnet{depth}" for depth in (18, 34, 50, 100, 200)),
    "mobilefacenet",
    *(f"vit_{size}" for size in "tsb"),
]
SCALINGS = ["insightface", "imagenet"]

topic = Topic("Files", FLAGS)
topic.string("checkpoint", None, "The state dict. Required.")
topic.choice("arch", None, ARCHITECTURES, "Network. Required.")
topic.string("output", None, ".keras file to write. Required.")
topic.integer(
    "image_size",
    112,
    "Height and width, in pixels, of the images that it was trained on.",
    lower_bound=16,
)
topic.choice(
    "scaling",
    "insightface",
    SCALINGS,
    "How pixels were scaled in training: insightface, to [-1, 1]; imagenet, by "
    "ImageNet's mean and deviation, as the authors of UNPG do.",
)


def check(*arguments):
    """Raises a ValueError where arguments or flags miss."""
    expect_no(arguments)
    require(FLAGS, "checkpoint", "arch", "output")
    if not FLAGS.output.endswith(".keras"):
        raise ValueError(
            "Expected a file that ends in .keras. "
            f"Received: --output={FLAGS.output}"
        )
