"""Writes a Keras backbone as a state dict for PyTorch.

    python -m unpg_tf.tools.export_torch --model=model.keras \
        --output=backbone.pth

The tensors have the names that InsightFace's arcface_torch gives them. The
model may be a backbone or an `EmbeddingModel`, whose backbone is written.
"""

import sys

from absl import app
from absl import flags

from unpg_tf import evaluation
from unpg_tf import ops
from unpg_tf.files import replaced
from unpg_tf.models import EmbeddingModel
from unpg_tf.tools import import_torch
from unpg_tf.tools import state_dict
from unpg_tf.tools import torch_files

FLAGS = flags.FLAGS


def main(argv):
    """Exports what the flags say; exits with 1 and a message on an error."""
    if len(argv) > 1:
        raise app.UsageError(f"Expected flags only. Received: {argv[1:]}")
    try:
        model = evaluation.load_keras_file(FLAGS.model)
        tensors = convert(model)
        with replaced(FLAGS.output) as temporary:
            torch_files.save(tensors, temporary)
    except (ImportError, OSError, ValueError) as error:
        sys.exit(f"export_torch: {str(error)[:500]}")
    print(f"{FLAGS.output}: {len(tensors)} tensors")


def convert(model):
    """The state dict of a Keras backbone, a dict of names to arrays.

    Raises:
        ValueError: the model isn't IResNet, MobileFaceNet or ViT.
    """
    backbone = model.backbone if isinstance(model, EmbeddingModel) else model
    ops.expect(
        backbone.name in import_torch.ARCHITECTURES,
        f"a backbone of {list(import_torch.ARCHITECTURES)}",
        name=backbone.name,
    )
    return state_dict.from_model(backbone)


if __name__ == "__main__":
    flags.DEFINE_string("model", None, "A .keras file. Required.")
    flags.DEFINE_string("output", None, "File to write. Required.")
    flags.mark_flags_as_required(["model", "output"])
    app.run(main)
