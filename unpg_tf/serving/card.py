"""The model card: what is known of an exported model, as JSON beside it."""

import hashlib
import json

import numpy as np
import tensorflow as tf
from tensorflow import keras

from unpg_tf import ops
from unpg_tf.serving import decoding
from unpg_tf.version import __version__

# Below a version's folder; servers leave assets.extra alone.
CARD_FILE = "assets.extra/model_card.json"


def model_card(model, server, flip, facts):
    """Gathers what is known of a model.

    Args:
        model: the Keras model that is exported, an `EmbeddingModel` or a
            backbone.
        server: the `Server` made of it.
        flip: bool, as the server has it.
        facts: dictionary of what the model itself can't tell, such as `data`,
            `evaluation` and `licence`; it goes before what is found here.

    Returns:
        Dictionary that JSON can hold: `architecture`, `head`, `loss`, `data`,
        `training`, `evaluation`, `preprocessing`, `decision`, `licence`,
        `fingerprint`, `made_with`, and what else is in `facts`. What nobody
        said is None.

    Raises:
        ValueError: the facts or their `fingerprint` are no dictionary, or
            JSON can't hold them.
    """
    ops.expect(isinstance(facts, dict), "a dictionary or None", card=facts)
    backbone = getattr(model, "backbone", model)
    embedding = server.embed_images.get_concrete_function().structured_outputs
    rate = _decimal(server.false_accept_rate)
    card = {
        "architecture": {
            "name": backbone.name,
            "image_size": int(server.image_size),
            "embedding_dim": embedding["embedding"].shape[-1],
            "parameters": backbone.count_params(),
        },
        "head": _described(getattr(model, "head", None)),
        "loss": _described(getattr(model, "loss", None)),
        "data": None,
        "training": None,
        "evaluation": None,
        "preprocessing": _preprocessing(int(server.image_size), flip),
        "decision": {
            "threshold": _decimal(server.threshold),
            "false_accept_rate": None if np.isnan(rate) else rate,
        },
        "licence": None,
        "fingerprint": {"weights_sha256": _digest(backbone)},
        "made_with": {"unpg_tf": __version__, "tensorflow": tf.__version__},
        **facts,
    }
    ops.expect(
        isinstance(card["fingerprint"], dict),
        "a card whose fingerprint is a dictionary",
        fingerprint=card["fingerprint"],
    )
    _text(card)
    return card


def write_card(directory, card):
    """Writes the card into a SavedModel's folder, with its fingerprint."""
    print_ = tf.saved_model.experimental.read_fingerprint(str(directory))
    card = {
        **card,
        "fingerprint": {
            **card["fingerprint"],
            # Beyond 2^53, which is all that some readers of JSON can hold.
            "saved_model_checksum": str(print_.saved_model_checksum),
        },
    }
    path = directory / CARD_FILE
    path.parent.mkdir(exist_ok=True)
    path.write_text(_text(card) + "\n", encoding="utf-8")


def _text(card):
    try:
        return json.dumps(card, indent=2, allow_nan=False)
    except (TypeError, ValueError) as error:
        raise ValueError(
            f"Expected a card that JSON can hold. Received: {error}"
        ) from error


def _described(part):
    """The class of a head or a loss, and its arguments."""
    if not isinstance(part, (keras.layers.Layer, keras.losses.Loss)):
        return None
    return {
        "class": type(part).__name__,
        **{
            name: value
            for name, value in part.get_config().items()
            if name not in ("name", "trainable", "dtype", "reduction", "fn")
            and isinstance(value, (bool, int, float, str))
        },
    }


def _preprocessing(image_size, flip):
    return {
        "pixels": "RGB, 0 to 255; an alpha channel is dropped",
        "framing": "cut and aligned as the training images were",
        "resize": f"bilinear, antialiased, to {image_size} x {image_size}",
        "exif_rotation": "not applied",
        "max_pixels": decoding.MAX_PIXELS,
        "flip": flip,
    }


def _decimal(variable):
    """A float32 as it reads, 0.01 rather than 0.009999999776482582."""
    return float(str(variable.numpy()))


def _digest(backbone):
    digest = hashlib.sha256()
    for weight in backbone.get_weights():
        digest.update(np.ascontiguousarray(weight).tobytes())
    return digest.hexdigest()
