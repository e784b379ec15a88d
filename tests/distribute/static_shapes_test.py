"""No size depends on values: what TPUs, and XLA anywhere, ask for."""

import pytest
import tensorflow as tf

from tests import heads
from unpg_tf import losses

ROWS, DIM, CLASSES = 9, 4, 6


def unknown_shapes(graph):
    """Names of the tensors of a graph, and its functions, of unknown size."""
    for operation in graph.get_operations():
        for tensor in operation.outputs:
            sizes = tensor.dtype not in (tf.resource, tf.variant)
            # A loop's condition has arguments that it doesn't use.
            used = operation.type != "Placeholder" or tensor.consumers()
            if sizes and used and not tensor.shape.is_fully_defined():
                yield f"{operation.type} {tensor.name}: {tensor.shape}"
        for name in operation.node_def.attr.values():
            if name.func.name:
                yield from unknown_shapes(
                    graph._get_function(name.func.name).graph
                )


@pytest.mark.parametrize("name", heads.NAMES)
def test_every_shape_of_a_step_is_static(name):
    head = heads.make(name, CLASSES)
    head.build((None, DIM))
    centers = tf.convert_to_tensor(head.centers)
    loss = losses.UNPGLoss(
        embedding_dim=DIM, norm_penalty=head.norm_penalty, reduction="none"
    )

    @tf.function
    def step(embeddings, labels):
        with tf.GradientTape() as tape:
            tape.watch(embeddings)
            cosines = head(embeddings, labels, training=True)
            value = loss(labels, tf.concat([cosines, embeddings], axis=1))
        return value, tape.gradient(value, embeddings)

    traced = step.get_concrete_function(
        tf.TensorSpec([ROWS, DIM]), tf.TensorSpec([ROWS], tf.int32)
    )
    assert list(unknown_shapes(traced.graph)) == []
    # The walk sees one where there is one.
    trimmed = tf.function(lambda x: x[x > 0]).get_concrete_function(centers)
    assert list(unknown_shapes(trimmed.graph))
