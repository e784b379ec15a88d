"""Fine-tuning: weights that are trained already, on people of your own.

First the new head is trained alone. Then the whole model is trained at a lower
rate, with batch normalisation in inference mode.

    python examples/fine_tuning.py
"""

import numpy as np
from tensorflow import keras

import unpg_tf

SIZE, DIM = 32, 64


def pretrained(identities, epochs):
    """Stands for a backbone that `keras.models.load_model` loads."""
    images, labels = unpg_tf.data.labelled_images(identities, 16, SIZE)
    backbone = unpg_tf.backbones.build("small", SIZE, DIM)
    train(backbone, images, labels, rate=0.1, epochs=epochs)
    return backbone


def own_people(identities):
    """Stands for your own photos: other identities, in stronger light."""
    labels = np.repeat(np.arange(identities), 16)
    views = np.tile(np.arange(16), identities)
    light = unpg_tf.data.Strengths(light=1.0)
    images = unpg_tf.data.draw(10_000 + labels, views, SIZE, strengths=light)
    return images, labels


def train(backbone, images, labels, rate, epochs, head=None):
    """Trains a backbone with a head, a new one if none is given.

    Returns:
        The head.
    """
    if head is None:
        head = unpg_tf.layers.CosFace(int(labels.max()) + 1, margin=0.2)
    model = unpg_tf.models.EmbeddingModel(backbone, head)
    model.compile(
        optimizer=keras.optimizers.SGD(rate, momentum=0.9),
        loss=unpg_tf.losses.UNPGLoss(
            scale=32.0,
            embedding_dim=DIM,
            max_pair_share=0.1,
            max_target_ratio=10.0,
        ),
    )
    model.fit(images, labels, batch_size=64, epochs=epochs, verbose=2)
    return head


def freeze_normalisation(model):
    """Keeps the moving statistics of batch normalisation as they are."""
    for layer in model.layers:
        if isinstance(layer, keras.Model):
            freeze_normalisation(layer)
        elif isinstance(layer, keras.layers.BatchNormalization):
            layer.trainable = False


def main(identities=100, epochs=3):
    """Trains on some identities, then fine-tunes on others.

    Args:
        identities: integer, of each of the two sets.
        epochs: integer, of each of the three stages.

    Returns:
        The fine-tuned backbone, a `keras.Model`.
    """
    backbone = pretrained(identities, epochs)
    images, labels = own_people(identities)
    backbone.trainable = False
    head = train(backbone, images, labels, rate=0.1, epochs=epochs)
    backbone.trainable = True
    freeze_normalisation(backbone)
    train(backbone, images, labels, rate=0.01, epochs=epochs, head=head)
    return backbone


if __name__ == "__main__":
    main()
