"""Makes a PyTorch state dict of a Keras backbone."""

from unpg_tf import ops
from unpg_tf.models import EmbeddingModel
from unpg_tf.weights import state_dict
from unpg_tf.weights.torch_networks import ARCHITECTURES


def to_state_dict(model):
    """The state dict of a Keras backbone.

    The tensors have the names that InsightFace's arcface_torch gives them.

    Args:
        model: a backbone, or an `EmbeddingModel`, whose backbone is taken.

    Returns:
        A dict of names to arrays.

    Raises:
        ValueError: the model isn't IResNet, MobileFaceNet or ViT.
    """
    backbone = model.backbone if isinstance(model, EmbeddingModel) else model
    ops.expect(
        backbone.name in ARCHITECTURES,
        f"a backbone of {list(ARCHITECTURES)}",
        name=backbone.name,
    )
    return state_dict.from_model(backbone)
