"""What the heads of a step tell the loss of the same step.

In a model of a user's own nothing else joins the two. What is noted belongs to
the graph that is being traced; in eager code there is none, and nothing noted.
"""

import dataclasses

import tensorflow as tf

_KEY = "unpg_tf_head_calls"


@dataclasses.dataclass(frozen=True)
class HeadCall:
    """A call of a head.

    Attributes:
        name: string, the head's.
        num_classes: int.
        dim: int, that of the embeddings.
        lacks_margin: bool. Whether it trained without labels a head that
            would have given them a margin.
    """

    name: str
    num_classes: int
    dim: int
    lacks_margin: bool


def note(call):
    """Keeps a `HeadCall` for the loss."""
    if not tf.executing_eagerly():
        tf.compat.v1.add_to_collection(_KEY, call)


def noted():
    """The list of the calls in this graph."""
    if tf.executing_eagerly():
        return []
    return tf.compat.v1.get_collection(_KEY)
