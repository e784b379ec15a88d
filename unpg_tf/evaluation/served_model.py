"""SavedModels that answer with embeddings."""

import tensorflow as tf


class ServedModel:
    """A SavedModel, called as a Keras model is.

    The signature `serving_default` takes `images`, [n, h, w, 3] uint8, and
    gives `embedding`, [n, dim]. Where it gives `norm`, [n], as well, the
    embedding is of unit length and is multiplied by it, which brings back the
    backbone's own embedding: the flip test then adds the same vectors as with
    the model that was exported.

    Args:
        path: the folder of the SavedModel.

    Attributes:
        input_shape: (None, height, width, 3), None where it isn't fixed.

    Raises:
        FileNotFoundError: there is no SavedModel.
        ValueError: the SavedModel has no such signature.

    Example:
        >>> model = ServedModel("saved_models/demo/1")
        >>> model(images).shape
        TensorShape([8, 512])
    """

    def __init__(self, path):
        if not tf.saved_model.contains_saved_model(str(path)):
            raise FileNotFoundError(
                f"Expected the folder of a SavedModel. Received: {path}"
            )
        # The loaded object owns the variables: without it they are gone.
        self._loaded = tf.saved_model.load(str(path))
        self._signature = self._loaded.signatures.get("serving_default")
        inputs, outputs = _names(self._signature)
        if inputs != ["images"] or "embedding" not in outputs:
            raise ValueError(
                "Expected a SavedModel whose serving_default takes images "
                f"and gives embedding. Received: {path}, which takes {inputs} "
                f"and gives {outputs}"
            )
        spec = self._signature.structured_input_signature[1]["images"]
        self.input_shape = tuple(spec.shape)
        # The signature takes images of any size, the backbone only one.
        size = getattr(self._loaded, "image_size", None)
        if size is not None:
            self.input_shape = (None, int(size), int(size), 3)

    def __call__(self, images, training=False):
        """Computes embeddings, [n, dim], of images with values 0..255."""
        del training
        images = tf.saturate_cast(tf.round(images), tf.uint8)
        outputs = self._signature(images=images)
        if "norm" in outputs:
            return outputs["embedding"] * outputs["norm"][:, tf.newaxis]
        return outputs["embedding"]


def _names(signature):
    if signature is None:
        return [], []
    inputs = signature.structured_input_signature[1]
    return sorted(inputs), sorted(signature.structured_outputs)
