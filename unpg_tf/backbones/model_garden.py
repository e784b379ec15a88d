"""The vision backbones of the TensorFlow Model Garden, by name."""

from tensorflow import keras

from unpg_tf import compat

# Published settings that the Model Garden's own defaults leave out.
_PUBLISHED = {"efficientnet": {"se_ratio": 0.25}}
_ACTIVATIONS = {"efficientnet": "swish"}


@keras.utils.register_keras_serializable("unpg_tf")
class ModelGardenBackbone(keras.Model):
    """A network of tf-models-official that gives embeddings.

    The features of its last level are averaged over the image, and a linear
    layer maps them to the embedding. Preprocessing is part of the model: it
    takes pixel values. Batch normalisation is synchronised over replicas.

    The Model Garden's networks are Keras 2 models: on TensorFlow 2.16 and
    later they need `TF_USE_LEGACY_KERAS=1`. So does a saved model, which is
    built anew by the Model Garden where it is loaded.

    Args:
        network: `resnet-50` (or 10, 18, 34, 101 …), `mobilenet-MobileNetV2`,
            `efficientnet-b0`; without its second part the first of these.
        image_size: integer, height and width of the images in pixels.
        embedding_dim: integer.
        dropout: rate of the dropout before the linear layer.
        **kwargs: Arguments of `keras.Model`.

    Raises:
        ImportError: tf-models-official is missing, or Keras 3 in use.
        ValueError: there is no such network.

    Example:

    >>> ModelGardenBackbone("resnet-50", 112, 512).output_shape
    (None, 512)
    """

    def __init__(
        self, network, image_size, embedding_dim, dropout=0.0, **kwargs
    ):
        images = keras.Input([image_size, image_size, 3], name="images")
        features = _network(network, image_size)(_preprocess(images))
        features = features[max(features, key=int)]
        features = keras.layers.GlobalAveragePooling2D()(features)
        features = keras.layers.Dropout(dropout)(features)
        # Half precision is too coarse for cosines.
        embeddings = keras.layers.Dense(
            embedding_dim, use_bias=False, dtype="float32", name="embeddings"
        )(features)
        super().__init__(images, embeddings, **kwargs)
        self._arguments = {
            "network": network,
            "image_size": image_size,
            "embedding_dim": embedding_dim,
            "dropout": dropout,
        }

    def get_config(self):
        """The arguments of the constructor, serialisable."""
        return {"name": self.name, **self._arguments}

    @classmethod
    def from_config(cls, config, custom_objects=None):
        """The model of a config that `get_config` has made."""
        return cls(**config)


def _network(name, image_size):
    """The Model Garden's network, images to a dict of features by level."""
    configs, backbones, specs = _model_garden()
    family, _, variant = name.partition("-")
    known = {str(key): key for key in specs.get(family, ())}
    if family not in specs or (variant and variant not in known):
        choice = ", ".join(known or specs)
        raise ValueError(
            f"Expected a network of the Model Garden: {choice}. "
            f"Received: {name}"
        )
    config = configs.backbones.Backbone(type=family)
    changes = {"model_id": known[variant]} if variant else {}
    config.get().override({**_PUBLISHED.get(family, {}), **changes})
    return backbones.factory.build_backbone(
        keras.layers.InputSpec(shape=[None, image_size, image_size, 3]),
        config,
        configs.common.NormActivation(
            activation=_ACTIVATIONS.get(family, "relu"), use_sync_bn=True
        ),
    )


def _preprocess(images):
    from official.vision.ops import preprocess_ops

    pairs = zip(preprocess_ops.MEAN_RGB, preprocess_ops.STDDEV_RGB, strict=True)
    scales, offsets = zip(
        *((1 / std, -mean / std) for mean, std in pairs), strict=True
    )
    return keras.layers.Rescaling(scales, offsets, name="preprocessing")(images)


def _model_garden():
    """Its modules of configs and backbones, and the networks by family."""
    if compat.IS_KERAS_3:
        raise ImportError(
            "Expected Keras 2 for a backbone of the Model Garden: set "
            f"TF_USE_LEGACY_KERAS=1. Received: Keras {keras.__version__}"
        )
    try:
        from official.vision import configs
        from official.vision.modeling import backbones
        from official.vision.modeling.backbones import efficientnet
        from official.vision.modeling.backbones import mobilenet
        from official.vision.modeling.backbones import resnet
    except ImportError as error:
        raise ImportError(
            'Expected tf-models-official: pip install "unpg-tf[models]". '
            f"Received: {error}"
        ) from error
    specs = {
        "resnet": resnet.RESNET_SPECS,
        "mobilenet": mobilenet.SUPPORTED_SPECS_MAP,
        "efficientnet": efficientnet.SCALING_MAP,
    }
    return configs, backbones, specs
