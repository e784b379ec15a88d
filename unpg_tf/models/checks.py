"""What an `EmbeddingModel` asks of its loss and of its labels."""

import functools

from unpg_tf import layers
from unpg_tf import losses
from unpg_tf import ops

_OTHERS = ("keras", "tensorflow", "tensorflow_addons", "tf_keras")


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
    is_uce = isinstance(loss, losses.UCELoss)
    if isinstance(head, layers.UniFace):
        ops.expect(
            is_uce or not isinstance(loss, losses.MarginLoss),
            "UCELoss with a UniFace head, from whose threshold its cosines "
            "are told",
            loss=loss,
        )
        ops.expect(
            not is_uce or loss.scale == head.scale,
            f"UCELoss with the scale of the UniFace head, {head.scale:g}",
            scale=getattr(loss, "scale", None),
        )
    else:
        ops.expect(
            not is_uce, "a UniFace head with UCELoss", head=type(head).__name__
        )


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
