"""A compact residual network for faces, quick enough to train on a CPU."""

from tensorflow import keras

from unpg_tf import ops

__all__ = ["small"]


def small(
    image_size=112,
    embedding_dim=512,
    width=32,
    dropout=0.4,
    name="small",
):
    """Builds a compact residual network that maps faces to embeddings.

    Args:
        image_size: Height and width of the images in pixels, 32 or more.
        embedding_dim: Dimension of the embeddings.
        width: Channels of the first stage; each later one doubles them.
        dropout: Rate of the dropout before the embedding layer.
        name: Name of the model.

    Returns:
        A `keras.Model`: `[batch, image_size, image_size, 3]` pixel values in
        0..255 to `[batch, embedding_dim]` float32 embeddings, not normalised.

    Raises:
        ValueError: `image_size` is below 32.
    """
    ops.expect(
        image_size >= 32,
        "an image_size of 32 pixels or more",
        image_size=image_size,
    )
    images = keras.Input((image_size, image_size, 3), name="images")
    x = keras.layers.Rescaling(1 / 127.5, offset=-1)(images)
    x = _conv(x, width, strides=2)
    x = keras.layers.ReLU()(_norm(x))
    for stage in range(4):
        x = _residual(x, width * 2**stage, strides=1 if stage == 0 else 2)
    x = keras.layers.Flatten()(x)
    x = keras.layers.Dropout(dropout)(x)
    x = keras.layers.Dense(embedding_dim, use_bias=False)(x)
    x = _norm(x, scale=False, dtype="float32")
    return keras.Model(images, x, name=name)


def _conv(x, filters, kernel_size=3, strides=1):
    return keras.layers.Conv2D(
        filters,
        kernel_size,
        strides=strides,
        padding="same",
        use_bias=False,
        kernel_initializer="he_normal",
    )(x)


def _norm(x, **options):
    return keras.layers.BatchNormalization(
        momentum=0.9, epsilon=1e-5, synchronized=True, **options
    )(x)


def _residual(x, filters, strides):
    y = keras.layers.ReLU()(_norm(_conv(x, filters, strides=strides)))
    y = _norm(_conv(y, filters))
    if strides != 1 or x.shape[-1] != filters:
        x = _norm(_conv(x, filters, kernel_size=1, strides=strides))
    return keras.layers.ReLU()(keras.layers.Add()([x, y]))
