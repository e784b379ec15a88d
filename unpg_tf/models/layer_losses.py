"""What layers add to the loss, such as the penalties of their activities."""

import contextlib
import contextvars

_kept = contextvars.ContextVar("losses", default=None)


class LayerLosses:
    """Mixed into a Keras model, keeps those losses apart on each replica.

    Replicas are threads: wherever one communicates, another goes on. In Keras
    3 they share the lists that layers add to, and each begins them anew.
    """

    @property
    def losses(self):
        """As in Keras; within `kept_losses`, those that it was given."""
        kept = _kept.get()
        return super().losses if kept is None else kept


@contextlib.contextmanager
def kept_losses(losses):
    """Has the `losses` of a model in this thread be these.

    Args:
        losses: list of scalar tensors.

    Example:

    >>> with kept_losses(model.losses):
    ...     loss = model.compute_loss(x, y, y_pred)
    """
    token = _kept.set(losses)
    try:
        yield
    finally:
        _kept.reset(token)
