"""A margin head of your own: a subclass that overrides one method.

Sampled and sharded class centres, half precision, `save` and `load_model`
work for it as for the heads of the library.

    python examples/custom_head.py
"""

import tensorflow as tf
from tensorflow import keras

import unpg_tf

SIZE, DIM = 32, 64


@keras.utils.register_keras_serializable("my_package")
class LinearFace(unpg_tf.layers.MarginHead):
    """A margin in the angle itself, as in Li-ArcFace.

    The cosine of every class becomes 1 - 2 theta / pi; the target's angle is
    enlarged by the margin first.

    Args:
        num_classes: integer.
        margin: float, radians.
        **kwargs: further arguments of `MarginHead`.
    """

    def __init__(self, num_classes, margin=0.4, **kwargs):
        super().__init__(num_classes, **kwargs)
        self.margin = margin

    def target_cosines(self, targets, norms):
        """The cosines of the own classes, with the margin.

        Args:
            targets: [batch] float32 tensor, cosines without it.
            norms: [batch] float32 tensor, lengths of the embeddings.

        Returns:
            [batch] float32 tensor.
        """
        del norms
        angles = unpg_tf.ops.angle_of(targets) + self.margin
        return 1.0 - 2.0 * angles / tf.constant(3.14159265)

    def get_config(self):
        return {**super().get_config(), "margin": self.margin}


def main(identities=100, epochs=5):
    """Trains with the head.

    Args:
        identities: integer, each of which has 16 images.
        epochs: integer.

    Returns:
        The trained `EmbeddingModel`.
    """
    images, labels = unpg_tf.data.labelled_images(identities, 16, SIZE)
    model = unpg_tf.models.EmbeddingModel(
        unpg_tf.backbones.build("small", SIZE, DIM), LinearFace(identities)
    )
    model.compile(
        optimizer=keras.optimizers.SGD(0.1, momentum=0.9),
        loss=unpg_tf.losses.UNPGLoss(scale=32.0, embedding_dim=DIM),
    )
    model.fit(images, labels, batch_size=64, epochs=epochs, verbose=2)
    return model


if __name__ == "__main__":
    main()
