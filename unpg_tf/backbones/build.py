"""Backbones by name."""

import functools

from tensorflow import keras

from unpg_tf import ops
from unpg_tf.backbones.applications import application
from unpg_tf.backbones.iresnet import BLOCKS
from unpg_tf.backbones.iresnet import iresnet
from unpg_tf.backbones.mobilefacenet import mobilefacenet
from unpg_tf.backbones.model_garden import ModelGardenBackbone
from unpg_tf.backbones.small import small
from unpg_tf.backbones.vit import SIZES
from unpg_tf.backbones.vit import vit

_OWN = {
    "small": small,
    **{f"iresnet{x}": functools.partial(iresnet, x) for x in BLOCKS},
    "mobilefacenet": mobilefacenet,
    **{f"vit_{x}": functools.partial(vit, x) for x in SIZES},
}


def build(name, image_size, embedding_dim, center_crop=1.0, **kwargs):
    """Builds a backbone by its name.

    Args:
        name: `small`; `iresnet18`, `iresnet34`, `iresnet50`, `iresnet100` or
            `iresnet200`; `mobilefacenet`; `vit_t`, `vit_s` or `vit_b`; or the
            name of a model of `keras.applications`, such as `MobileNetV2` or
            `mobilenet_v2`; or `tfm:` and a network of `ModelGardenBackbone`,
            such as `tfm:resnet-50`.
        image_size: integer, height and width of the images in pixels.
        embedding_dim: integer.
        center_crop: part of height and width that the network looks at,
            around the centre, above 0. The crop is a layer of the model, and
            so part of everything that is saved or exported.
        **kwargs: further arguments of the backbone: `dropout`; `recompute`
            of `iresnet`, `mobilefacenet` and `vit`, whose gradients then need
            less memory.

    Returns:
        A `keras.Model`, images [n, image_size, image_size, 3] of values
        0..255 to [n, embedding_dim] float32 embeddings, not normalised.

    Raises:
        ValueError: there is no such backbone, and the message lists similar
            names; or `center_crop` is out of range.

    Example:
        >>> build("small", image_size=64, embedding_dim=256).output_shape
        (None, 256)
    """
    ops.expect(isinstance(name, str), "name, a string", name=name)
    ops.expect_counts(image_size=image_size, embedding_dim=embedding_dim)
    ops.expect_numbers(center_crop=center_crop)
    ops.expect(
        0 < center_crop <= 1, "center_crop in (0, 1]", center_crop=center_crop
    )
    # Keras 3 takes no integer of NumPy.
    image_size, embedding_dim = int(image_size), int(embedding_dim)
    inner_size = round(center_crop * image_size)
    if name in _OWN:
        backbone = _OWN[name](inner_size, embedding_dim, **kwargs)
    elif name.startswith("tfm:"):
        backbone = ModelGardenBackbone(
            name.removeprefix("tfm:"), inner_size, embedding_dim, **kwargs
        )
    else:
        backbone = application(name, inner_size, embedding_dim, **kwargs)
    if inner_size == image_size:
        return backbone
    images = keras.Input((image_size, image_size, 3), name="images")
    cropped = keras.layers.CenterCrop(inner_size, inner_size)(images)
    return keras.Model(images, backbone(cropped), name=backbone.name)
