"""A model, not a measurement: what a step's messages take on many GPUs.

    python benchmarks/scaling_model.py

A replica of b rows puts b (dim + 3) floats into the gather (embeddings, labels,
the replica), one float into the reduction of the pairs' gradient, and every
weight into that of the gradients, as `collectives.py` reads in the traced
graph and `tests/distribute/communication_test.py` holds fast. By the ring
algorithms a replica then sends (R - 1) times the former and 2 (R - 1) / R times
the latter, at the speed of the slowest link. Latencies, overlap with the
backward pass and contention are left out. Pair work is counted by its products
and by its passes over memory, with each replica doing all of it, as it does.

Beside it stands what replicas would take that did their own rows of the matrix
of pairs alone: twice a share of the work, as a pair stands in two rows, and a
message for each count, since the quartiles are of all pairs. Of such a message
of a few bytes the latency is all there is.
"""

from typing import NamedTuple

FLOAT = 4
# Published: NVLink 4 has 900 GB/s both ways together; NDR InfiniBand 400 Gb/s
# for each GPU; 100 Gb/s Ethernet here serves a machine of eight GPUs.
LINKS = {
    "NVLink 4": 450e9,
    "NDR InfiniBand, a port a GPU": 50e9,
    "100 Gb/s Ethernet, 8 GPUs": 12.5e9 / 8,
}
CASES = [
    (8, "NVLink 4"),
    (64, "NDR InfiniBand, a port a GPU"),
    (64, "100 Gb/s Ethernet, 8 GPUs"),
]
# About what a reduction of a few bytes takes, by published runs of NCCL's own
# tests: within a machine, and between eight.
LATENCIES = {8: 20e-6, 64: 50e-6}
# Published for one H100 SXM: float32 without tensor cores, and its memory.
PRODUCTS, MEMORY = 67e12, 3.35e12
# Counts over the pairs that find the quartiles.
PASSES = 32


class Setting(NamedTuple):
    """What is trained: IResNet-100 on the classes of MS1MV3."""

    rows: int = 128
    dim: int = 512
    backbone: int = 65_200_000
    classes: int = 93_431


def milliseconds(gpus, link, setting):
    """Of the gather, the gradients' reduction, all pairs, and own rows."""
    speed = LINKS[link]
    gather = setting.rows * (setting.dim + 3) * FLOAT * (gpus - 1)
    weights = setting.backbone + setting.classes * setting.dim
    gradients = weights * FLOAT * 2 * (gpus - 1) / gpus
    batch = gpus * setting.rows
    pairs = batch**2 / 2
    # Forward once, backward to both members of a pair.
    products = 3 * 2 * pairs * setting.dim / PRODUCTS
    all_pairs = products + PASSES * pairs * FLOAT / MEMORY
    own_rows = 2 * all_pairs / gpus + PASSES * LATENCIES[gpus]
    times = gather / speed, gradients / speed, all_pairs, own_rows
    return [1e3 * seconds for seconds in times]


def print_table(setting=None):
    """Prints the model's numbers."""
    setting = setting or Setting()
    print(f"A model: {setting}\n")
    print(
        "| GPUs | link | embeddings, ms | gradients, ms | all pairs, ms | own "
        "rows, ms |\n|---|---|---|---|---|---|"
    )
    for gpus, link in CASES:
        numbers = milliseconds(gpus, link, setting)
        cells = [gpus, link, *(f"{number:.2f}" for number in numbers)]
        print(f"| {' | '.join(map(str, cells))} |")


if __name__ == "__main__":
    print_table()
