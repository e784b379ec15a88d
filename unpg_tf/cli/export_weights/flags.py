r"""unpg export-weights: writes a Keras backbone as a PyTorch state dict.

    unpg export-weights --model=model.keras --output=backbone.pth

The tensors have the names that InsightFace's arcface_torch gives them. It
needs PyTorch: pip install "unpg-tf[torch]".
"""

from absl import flags

from unpg_tf.cli.topics import Topic
from unpg_tf.cli.topics import expect_no
from unpg_tf.cli.topics import require

FLAGS = flags.FlagValues()
FIRST = ("model", "output")

topic = Topic("Files", FLAGS)
topic.string("model", None, "A .keras file. Required.")
topic.string("output", None, "File to write. Required.")


def check(*arguments):
    """Raises a ValueError where arguments or flags miss."""
    expect_no(arguments)
    require(FLAGS, "model", "output")
