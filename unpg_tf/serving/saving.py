"""Writes a model as a SavedModel with three signatures."""

import numbers
import os
import secrets
import shutil
import time
from pathlib import Path

import tensorflow as tf

from unpg_tf import ops
from unpg_tf.models import EmbeddingModel
from unpg_tf.serving.card import model_card
from unpg_tf.serving.card import write_card
from unpg_tf.serving.server import Server
from unpg_tf.serving.warmup import write_warmup

# Seconds after which nobody is at work any more on a version that isn't whole.
_FORGOTTEN = 24 * 3600


def save(
    model,
    directory,
    *,
    threshold,
    image_size=None,
    flip=False,
    false_accept_rate=None,
    card=None,
    overwrite=False,
):
    """Writes a model as a SavedModel that TensorFlow alone can serve.

    Its signatures, of which n, h and w are free in every call:

    * `serving_default`: `images` [n, h, w, 3] uint8 RGB -> `embedding`
      [n, dim] float32 of unit length, `norm` [n] float32.
    * `encoded_images`: `image_bytes` [n] string, JPEG or PNG -> the same, and
      `valid` [n] bool, false where the bytes aren't those of an image.
    * `verify`: `image_bytes_a`, `image_bytes_b` [n] string -> `similarity`
      [n] float32, `same` [n] bool, `valid` [n] bool.

    The SavedModel appears under its name when it is complete, not before. Its
    `assets.extra` has a `model_card.json`, and the requests by which
    TensorFlow Serving warms up.

    Args:
        model: a Keras model, images [n, height, width, 3] of values 0..255 to
            embeddings [n, dim]. Of an `EmbeddingModel` the backbone is saved.
        directory: string or path, which doesn't exist yet. A model server
            expects a number as its last part, the version.
        threshold: float in [-1, 1], the cosine from which on `verify` calls
            two images the same. It belongs to the model and to `flip`: take
            it from an evaluation with the same setting.
        image_size: integer, height and width in pixels of the images that the
            model takes; None for what its input layer says.
        flip: bool, whether the embeddings of an image and of its mirror are
            averaged. It costs twice the time.
        false_accept_rate: float in (0, 1], the rate that the threshold was
            chosen for; None where it wasn't chosen for one. It is stored.
        card: dictionary of what else the model card shall say, such as
            `data`, `evaluation` and `licence`; None for nothing.
        overwrite: bool, whether a SavedModel in `directory` is replaced. Where
            that was killed halfway, the next `save` puts the old one back
            before it begins.

    Raises:
        FileExistsError: `directory` exists and `overwrite` is false, or what
            is there isn't a SavedModel.
        ValueError: an argument is out of range, the model isn't one from
            images to embeddings, or JSON can't hold the card.

    Example:

        unpg_tf.serving.save(model, "saved_models/faces/1", threshold=0.31)

        served = tf.saved_model.load("saved_models/faces/1")
        verify = served.signatures["verify"]
        verify(
            image_bytes_a=tf.constant([Path("a.jpg").read_bytes()]),
            image_bytes_b=tf.constant([Path("b.jpg").read_bytes()]),
        )
    """
    # Of "1" too the folder around it has a name, that of the model.
    directory = Path(os.path.abspath(directory))
    _recover(directory)
    _sweep(directory)
    _check_free(directory, overwrite)
    ops.expect(
        isinstance(threshold, numbers.Real) and -1 <= threshold <= 1,
        "a cosine in [-1, 1]",
        threshold=threshold,
    )
    rate = false_accept_rate
    ops.expect(
        rate is None or (isinstance(rate, numbers.Real) and 0 < rate <= 1),
        "a rate in (0, 1], or None",
        false_accept_rate=rate,
    )
    backbone = model.backbone if isinstance(model, EmbeddingModel) else model
    image_size = _image_size(backbone, image_size)
    server = Server(backbone, image_size, threshold, flip, rate)
    card = model_card(model, server, flip, {} if card is None else card)
    directory.parent.mkdir(parents=True, exist_ok=True)
    # Not tempfile's: an interrupt just after it is made would leave it there.
    staging = directory.with_name(f".{directory.name}-{secrets.token_hex(4)}")
    try:
        staging.mkdir(mode=0o700)
        new = staging / "new"
        tf.saved_model.save(server, str(new), server.signatures())
        write_card(new, card)
        write_warmup(new, directory.parent.name, image_size)
        # Another export may have been here meanwhile.
        _check_free(directory, overwrite)
        _replace(directory, new, overwrite)
    finally:
        shutil.rmtree(staging, ignore_errors=True)


def _replace(directory, new, overwrite):
    """Puts a folder into its place; with `overwrite` into another's."""
    if not (overwrite and directory.exists()):
        # Fails where a folder with files in it is.
        os.replace(new, directory)
        return
    old = _aside(directory)
    os.replace(directory, old)
    os.replace(new, directory)
    # To where the caller deletes: half a version has no name that's looked at.
    os.replace(old, new)


def _recover(directory):
    """Ends what a process began that was killed while it replaced."""
    old = _aside(directory)
    if directory.exists():
        shutil.rmtree(old, ignore_errors=True)
    elif old.exists():
        os.replace(old, directory)


def _sweep(directory):
    """Deletes what exports of this version left that were killed."""
    for left in directory.parent.glob(f".{directory.name}-*"):
        if time.time() - left.stat().st_mtime > _FORGOTTEN:
            shutil.rmtree(left, ignore_errors=True)


def _aside(directory):
    # Servers pass over names that aren't numbers.
    return directory.with_name(f".{directory.name}.replaced")


def _check_free(directory, overwrite):
    if not directory.exists():
        return
    if not overwrite:
        raise FileExistsError(
            "Expected a directory that doesn't exist, or overwrite=True. "
            f"Received: directory={str(directory)!r}"
        )
    if not tf.saved_model.contains_saved_model(str(directory)):
        raise FileExistsError(
            "Expected a SavedModel to overwrite. "
            f"Received: directory={str(directory)!r}"
        )


def _image_size(backbone, given):
    """The one side that the model's input and the argument agree on."""
    # A model without an input layer has no such attribute.
    if given is not None:
        ops.expect_counts(image_size=given)
    shape = getattr(backbone, "input_shape", ())
    ops.expect(
        not isinstance(shape, dict | list)
        and not {*map(type, shape)} & {tuple},
        "a model with one input, [n, size, size, 3] (others: its own `export`, "
        "of Keras)",
        input_shape=shape,
    )
    shape = tuple(shape)
    sides = {given, *(shape[1:3] if len(shape) == 4 else ())} - {None}
    ops.expect(
        len(sides) == 1,
        "image_size, or a model whose input is [n, size, size, 3], or both "
        "with the same size",
        image_size=given,
        input_shape=shape,
    )
    return sides.pop()
