"""What an `EmbeddingModel` asks of its loss."""

from unpg_tf import losses
from unpg_tf import ops


def one_loss(loss, loss_weights=None):
    """Takes a loss, and its weight, out of the lists or dicts they come in.

    Args:
        loss: As `keras.Model.compile` takes it, for a single output.
        loss_weights: Likewise.

    Returns:
        A tuple of the loss and its weight.

    Raises:
        ValueError: For several.
    """
    return _only("loss", loss), _only("loss_weights", loss_weights)


def _only(name, value):
    while isinstance(value, list | tuple | dict):
        values = list(value.values() if isinstance(value, dict) else value)
        ops.expect(
            len(values) == 1,
            f"one {name} for the one output (a sum of losses is a function of "
            "y_true and y_pred)",
            **{name: value},
        )
        (value,) = values
    return value


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
