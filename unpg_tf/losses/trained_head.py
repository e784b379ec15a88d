"""What losses learn of the head that an `EmbeddingModel` trains."""

import contextlib
import contextvars

from unpg_tf import ops

_head = contextvars.ContextVar("head", default=(None, None))


@contextlib.contextmanager
def trained_head(norm_penalty, embedding_dim):
    """Tells every loss that is called within of the model in training.

    The losses of this package learn it also where the model doesn't see them,
    as within a function or another loss.

    Args:
        norm_penalty: As in `MarginLoss`, for losses that have none.
        embedding_dim: int, how many columns the embedding really has.

    Example:

    >>> with trained_head(head.norm_penalty, embeddings.shape[-1]):
    ...     value = loss(labels, y_pred)
    """
    token = _head.set((norm_penalty, embedding_dim))
    try:
        yield
    finally:
        _head.reset(token)


def is_known():
    """Whether a model in training has told of its head."""
    return _head.get()[1] is not None


def norm_penalty_of_head():
    """The penalty of the head in training, or `None`."""
    return _head.get()[0]


def expect_dim_of_backbone(embedding_dim):
    """Raises a `ValueError` where the backbone in training has another."""
    known = _head.get()[1]
    ops.expect(
        known in (None, embedding_dim),
        f"a loss with embedding_dim={known}, as the backbone has",
        embedding_dim=embedding_dim,
    )
