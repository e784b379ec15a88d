"""What an `EmbeddingModel` asks of its loss and of its labels."""

import functools

from unpg_tf import layers
from unpg_tf import losses
from unpg_tf import ops

_OTHERS = ("keras", "tensorflow", "tensorflow_addons", "tf_keras")

# Heads, and the one loss each that knows what their cosines mean.
_OWN = (
    (layers.UniFace, losses.UCELoss),
    (layers.UniTSFace, losses.UniTSFaceLoss),
)
# Losses that take pairs beside the cosines of the head.
_OF_PAIRS = (losses.UNPGLoss, losses.UPGLoss, losses.MixFaceLoss)
# Arguments that head and loss have in common.
_ALIKE = (
    ("num_classes", layers.MarginHead, losses.MixFaceLoss),
    ("margin", layers.ArcFace, (losses.MixFaceLoss, losses.UPGLoss)),
    (
        "scale",
        (layers.AdaCos, layers.UniFace, layers.UniTSFace),
        losses.MarginLoss,
    ),
)


def only(name, value):
    """Takes a value out of the list, tuple or dict that it alone is in.

    Args:
        name: string, what it is.
        value: Anything, such as a loss as `keras.Model.compile` takes it.

    Raises:
        ValueError: For several values.
    """
    while isinstance(value, list | tuple | dict):
        ops.expect(
            len(value) == 1,
            f"one entry in {name}, for one output",
            **{name: list(value) if isinstance(value, dict) else len(value)},
        )
        (value,) = value.values() if isinstance(value, dict) else value
    return value


def expect_own(loss):
    """Raises a `ValueError` for a loss that was written for other outputs.

    Those of Keras and TensorFlow Addons would take the embeddings for classes,
    or the cosines for embeddings.

    Args:
        loss: A loss, or `None`.
    """
    function = getattr(loss, "fn", loss)
    while isinstance(function, functools.partial):
        function = function.func
    module = getattr(function, "__module__", None) or ""
    package = module.partition(".")[0]
    ops.expect(
        package not in _OTHERS and not isinstance(loss, str),
        "a loss of cosines and embeddings, such as UNPGLoss (one of Keras in a "
        "function that hands it y_pred[:, :num_classes], one of TensorFlow "
        "Addons in unpg_tf.losses.AddonsLoss)",
        loss=loss,
    )


def expect_match(head, loss):
    """Raises a `ValueError` for a head and a loss that don't fit each other.

    Args:
        head: A `MarginHead`.
        loss: A loss, or `None`; of functions nothing is known.
    """
    if not isinstance(loss, losses.MarginLoss):
        return
    ops.expect(
        not isinstance(head, layers.AdaCos) or not isinstance(loss, _OF_PAIRS),
        "MarginLoss with an AdaCos head: pairs would have another scale",
        loss=loss,
    )
    for kind, own in _OWN:
        if isinstance(head, kind):
            expected = f"{own.__name__} with a {type(head).__name__} head, from"
            ops.expect(
                isinstance(loss, own),
                f"{expected} whose threshold its cosines are told",
                loss=loss,
            )
    for kind, own in _OWN:
        names = " or ".join(
            name for name in layers.__all__ if _is_of(name, kind)
        )
        ops.expect(
            isinstance(head, kind) or not isinstance(loss, own),
            f"a {names} head with {own.__name__}",
            head=type(head).__name__,
        )
    for name, heads, kinds in _ALIKE:
        if isinstance(head, heads) and isinstance(loss, kinds):
            known, given = getattr(head, name), getattr(loss, name)
            ops.expect(
                known == given,
                f"{type(loss).__name__} with the {name} of the "
                f"{type(head).__name__} head, {known}",
                **{name: given},
            )


def _is_of(name, kind):
    found = getattr(layers, name)
    return isinstance(found, type) and issubclass(found, kind)


def scale_of(loss):
    """The scale by which the classes of a sample weigh as much as all.

    Args:
        loss: A loss.

    Returns:
        float; `None` for losses that take no cosines.

    Raises:
        ValueError: If the loss doesn't tell.
    """
    no_cosines = isinstance(loss, losses.MetricLoss | losses.AddonsLoss)
    scale = getattr(loss, "scale", None)
    ops.expect(
        no_cosines or scale is not None,
        "UNPGLoss, MarginLoss, or another loss with the attribute scale, for a "
        "head with sample_rate below 1",
        loss=loss,
    )
    return None if no_cosines else scale
