"""A model small enough to export many times."""

from tensorflow import keras

SIZE = 20
DIM = 5


def tiny(size=SIZE):
    """A Keras model, images [n, size, size, 3] to embeddings [n, DIM]."""
    keras.utils.set_random_seed(7)
    return keras.Sequential(
        [
            keras.Input((size, size, 3)),
            keras.layers.Rescaling(1 / 127.5, offset=-1),
            keras.layers.Conv2D(4, 3, activation="relu"),
            keras.layers.BatchNormalization(),
            keras.layers.GlobalAveragePooling2D(),
            keras.layers.Dense(DIM),
        ]
    )
