"""Networks that turn images into embeddings."""

from unpg_tf.backbones.applications import application
from unpg_tf.backbones.small import small

__all__ = ["application", "build", "small"]


def build(name, image_size, embedding_dim):
    """Builds a backbone by its name.

    Args:
        name: `small`, or the name of a model of `keras.applications`, such as
            `MobileNetV2` or `mobilenet_v2`.
        image_size: integer, height and width of the images in pixels.
        embedding_dim: integer.

    Returns:
        A `keras.Model`, images [n, image_size, image_size, 3] of values
        0..255 to [n, embedding_dim] float32 embeddings, not normalised.

    Raises:
        ValueError: there is no such backbone; the message lists similar names.

    Example:
        >>> build("small", image_size=64, embedding_dim=256).output_shape
        (None, 256)
    """
    if name == "small":
        return small(image_size, embedding_dim)
    return application(name, image_size, embedding_dim)
