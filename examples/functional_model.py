"""A functional Keras model of your own with a margin head.

`EmbeddingModel` isn't needed: a head takes embeddings and labels, and the
losses take the cosines and the embeddings side by side. Labels are an input of
such a model, as well as the targets of the loss.

    python examples/functional_model.py
"""

from tensorflow import keras

import unpg_tf

SIZE, DIM = 32, 64


def build(num_classes):
    """Makes the training model, and the model of embeddings within it.

    Args:
        num_classes: integer.

    Returns:
        A tuple of two `keras.Model`: images and labels -> [batch, num_classes
        + DIM] cosines and embeddings; images -> [batch, DIM] embeddings.
    """
    images = keras.Input([SIZE, SIZE, 3], name="images")
    labels = keras.Input([], dtype="int32", name="labels")
    embeddings = unpg_tf.backbones.build("small", SIZE, DIM)(images)
    head = unpg_tf.layers.ArcFace(num_classes, margin=0.3)
    cosines = head(embeddings, labels)
    outputs = keras.layers.Concatenate(dtype="float32")([cosines, embeddings])
    training_model = keras.Model([images, labels], outputs)
    return training_model, keras.Model(images, embeddings)


def main(identities=100, epochs=5):
    """Trains, and embeds two images.

    Args:
        identities: integer, each of which has 16 images.
        epochs: integer.

    Returns:
        The [2, DIM] array of their embeddings.
    """
    images, labels = unpg_tf.data.labelled_images(identities, 16, SIZE)
    training_model, embedding_model = build(identities)
    training_model.compile(
        optimizer=keras.optimizers.SGD(0.1, momentum=0.9),
        loss=unpg_tf.losses.UNPGLoss(scale=32.0, embedding_dim=DIM),
    )
    training_model.fit(
        [images, labels], labels, batch_size=64, epochs=epochs, verbose=2
    )
    return embedding_model.predict(images[:2], verbose=0)


if __name__ == "__main__":
    main()
