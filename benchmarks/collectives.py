"""What the replicas of a training step say to each other, by its graph."""

from typing import NamedTuple

# What only moves a tensor about, before it is sent.
_CARRIERS = ("Identity", "Pad", "PadV2", "Transpose")


class Collective(NamedTuple):
    """One message that every replica sends: a "Gather" or a "Reduce"."""

    kind: str
    shape: tuple
    bytes: int
    name: str


def collectives(concrete_function):
    """Lists the collectives of one replica in a traced step.

    Args:
        concrete_function: A traced function that has called `strategy.run`
            on batches of static size.

    Returns:
        List of `Collective`, in the order of the graph. The bytes are those
        of the tensor that a replica puts in; what travels is up to the
        algorithm: see `traffic`.
    """
    graph = concrete_function.graph
    hidden = graph.as_graph_def().library.function
    if any("Collective" in n.op for f in hidden for n in f.node_def):
        raise ValueError("Expected collectives at the top of the graph only")
    found = [op for op in graph.get_operations() if "Collective" in op.type]
    first = min((op.device for op in found), default="")
    return [_collective(op) for op in found if op.device == first]


def traffic(collective, replicas):
    """Bytes that a replica sends, by the ring algorithms."""
    rounds = {"Gather": replicas - 1, "Reduce": 2 * (replicas - 1) / replicas}
    return rounds[collective.kind] * collective.bytes


def _collective(op):
    (kind,) = (kind for kind in ("Gather", "Reduce") if kind in op.type)
    tensor = op.inputs[0]
    while not tensor.shape.is_fully_defined() and tensor.op.type in _CARRIERS:
        tensor = tensor.op.inputs[0]
    size = None  # Not known before the batch has been gathered.
    if tensor.shape.is_fully_defined():
        size = tensor.dtype.size * tensor.shape.num_elements()
    return Collective(kind, tuple(tensor.shape), size, op.name)
