"""What programs print of the machine, the data and the model: a line each."""

import importlib.metadata
import os

import tensorflow as tf
from tensorflow import keras

from unpg_tf import evaluation


def of_machine(replicas=None):
    """What a program runs on.

    Args:
        replicas: integer, the number of replicas that train together; None
            where nothing trains.

    Returns:
        A string such as "TensorFlow 2.21.0, Keras 3.15.1, CPU (8 cores)", and
        of a training ", 1 replica, float32" after it.
    """
    package = keras.Model.__module__.partition(".")[0]
    parts = [
        f"TensorFlow {tf.__version__}",
        f"Keras {importlib.metadata.version(package)}",
        _devices(),
    ]
    if replicas is not None:
        precision = keras.mixed_precision.global_policy().name
        parts += [counted(replicas, "replica"), precision]
    return ", ".join(parts)


def _devices():
    gpus = tf.config.get_visible_devices("GPU")
    if not gpus:
        return f"CPU ({counted(os.cpu_count(), 'core')})"
    details = map(tf.config.experimental.get_device_details, gpus)
    names = sorted({each.get("device_name", "no name") for each in details})
    return f"{counted(len(gpus), 'GPU')} ({', '.join(names)})"


def of_data(name, images, identities, left_out=()):
    """What is read of a data set, and what isn't.

    Args:
        name: string.
        images: integer.
        identities: integer.
        left_out: list of strings, as `on_left_out` of `open_images` gets them.

    Returns:
        A string such as "faces: 8 images of 2 identities. Left out: 1 identity
        excluded (4 images)".
    """
    number = counted(identities, "identity", "identities")
    line = f"{name}: {counted(images, 'image')} of {number}"
    return f"{line}. Left out: {'; '.join(left_out)}" if left_out else line


def of_model(model, name=None, loss=None):
    """What a model consists of.

    Args:
        model: a `keras.Model`, such as `EmbeddingModel`, or a `ServedModel`.
        name: string, what to call it; None for "model".
        loss: string, the name of the loss that it trains with, or None.

    Returns:
        A string such as "model: backbone small, 1.6 million parameters,
        embeddings of 512; head CosFace of 40 classes; loss UNPGLoss".
    """
    start = f"{name or 'model'}: "
    if isinstance(model, evaluation.ServedModel):
        return f"{start}SavedModel for images of {model.input_shape[1]} pixels"
    backbone = getattr(model, "backbone", model)
    parts = [
        f"backbone {backbone.name}, {_million(backbone.count_params())} "
        f"parameters, embeddings of {backbone.output_shape[-1]}"
    ]
    head = getattr(model, "head", None)
    if head is not None:
        classes = counted(head.num_classes, "class", "classes")
        parts.append(f"head {type(head).__name__} of {classes}")
    if loss is not None:
        parts.append(f"loss {loss}")
    return start + "; ".join(parts)


def of_files(paths, folder=None):
    """What a program has written, in a folder or wherever."""
    where = "" if folder is None else f" to {folder}"
    return f"Written{where}: {', '.join(map(str, paths))}"


def counted(count, one, more=None):
    """A number and its noun, such as "1 image" and "2 images"."""
    return f"{count} {one if count == 1 else more or one + 's'}"


def _million(count):
    return f"{count / 1e6:.1f} million" if count >= 1e5 else str(count)
