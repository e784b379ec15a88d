"""Requests that a model server runs before it takes those of clients."""

import numpy as np
import tensorflow as tf

from unpg_tf.serving import messages

# Below a version's folder, where TensorFlow Serving looks for it.
WARMUP_FILE = "assets.extra/tf_serving_warmup_requests"


def write_warmup(directory, name, image_size):
    """Writes one request for each signature into a SavedModel's folder.

    TensorFlow Serving runs them when it loads the version, so that no client
    waits for what the first request of a signature sets up.

    Args:
        directory: path of the SavedModel's folder.
        name: string, the model's name.
        image_size: integer, height and width of the images, in pixels.
    """
    path = directory / WARMUP_FILE
    path.parent.mkdir(exist_ok=True)
    with tf.io.TFRecordWriter(str(path)) as writer:
        for signature, inputs in _inputs(image_size).items():
            log = messages.PredictionLog()
            request = messages.predict_request(name, signature, inputs)
            log.predict_log.request.CopyFrom(request)
            writer.write(log.SerializeToString())


def _inputs(image_size):
    image = np.zeros((image_size, image_size, 3), np.uint8)
    jpeg = [tf.io.encode_jpeg(image).numpy()]
    png = [tf.io.encode_png(image).numpy()]
    return {
        "serving_default": {"images": image[np.newaxis]},
        "encoded_images": {"image_bytes": jpeg},
        "verify": {"image_bytes_a": jpeg, "image_bytes_b": png},
    }
