"""Whether what a loss is given as `y_pred` can be what it takes it for."""

import functools
import logging

from unpg_tf import ops
from unpg_tf.layers import calls
from unpg_tf.losses import trained_head


def expect_layout(width, embedding_dim):
    """Refuses columns that can't be cosines of a head, then embeddings.

    An `EmbeddingModel` puts them together itself. In other models the heads
    that were called in the same graph tell how many columns there should be.
    Where none fits by any reading, the columns are the user's own.

    Args:
        width: int, the columns of `y_pred`; `None` where it isn't known.
        embedding_dim: int, that of the loss.

    Raises:
        ValueError: If they are the cosines alone, or the embeddings have
            another dimension.
    """
    heads = _heads()
    if width == embedding_dim or _fitting(heads, width, embedding_dim):
        return
    for head in heads:
        ops.expect(
            head.num_classes != width,
            "y_pred with the embeddings after the cosines: "
            "Concatenate()([head(embeddings, labels), embeddings])",
            columns=width,
            num_classes=head.num_classes,
        )
        ops.expect(
            head.num_classes + head.dim != width,
            f"a loss with embedding_dim={head.dim}, as y_pred has",
            embedding_dim=embedding_dim,
        )


def warn_without_margin(width, embedding_dim):
    """Warns once where the head in training was given no labels.

    Args:
        width: int, the columns of `y_pred`; `None` where it isn't known.
        embedding_dim: int, that of the loss.
    """
    fitting = _fitting(_heads(), width, embedding_dim)
    if fitting and all(head.lacks_margin for head in fitting):
        _warn(fitting[0].name)


def _heads():
    return [] if trained_head.is_known() else calls.noted()


def _fitting(heads, width, embedding_dim):
    return [h for h in heads if h.num_classes + embedding_dim == width]


@functools.cache
def _warn(name):
    logging.getLogger("unpg_tf").warning(
        "Expected %s(embeddings, labels) in training. Received: no labels, so "
        "that no margin is applied",
        name,
    )
