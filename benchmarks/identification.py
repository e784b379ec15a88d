"""Cost of a search of a gallery, beside the matrix products alone.

    python benchmarks/identification.py --gallery=1000000 --queries=4096

A gallery of random embeddings is searched by `evaluation.top_matches` for the
ten most similar of each query, and by the bare products: queries and gallery
multiplied block by block into one buffer, nothing looked at. Each form runs in
a process of its own, which makes the same data, so that its peak memory is its
own; the parts of the queries take turns, so that other work on the machine
meets both alike. Printed are queries per second and the peak memory, gallery
and libraries included, and both as shares of the products'.
"""

import multiprocessing
import resource
import statistics
import time

import numpy as np
from absl import app
from absl import flags

from unpg_tf.metrics import top_matches

FLAGS = flags.FLAGS
flags.DEFINE_integer("gallery", 1_000_000, "Rows of the gallery.")
flags.DEFINE_integer("queries", 4096, "Rows to search for.", lower_bound=1)
flags.DEFINE_integer("dim", 512, "Dimension of the embeddings.")
flags.DEFINE_integer("k", 10, "The most similar to find.", lower_bound=1)
flags.DEFINE_integer("turns", 4, "Parts of the queries.", lower_bound=1)

# As many similarities at a time as `top_matches` holds.
_BLOCK = 1 << 22


def main(_):
    """Prints the table."""
    size = FLAGS.gallery, FLAGS.queries, FLAGS.dim, FLAGS.turns
    forms = {"products": _products, "search": _search}
    context = multiprocessing.get_context("spawn")
    pipes, processes = {}, []
    for name, form in forms.items():
        pipes[name], end = context.Pipe()
        arguments = form, size, FLAGS.k, end
        processes.append(context.Process(target=_work, args=arguments))
        processes[-1].start()
    for pipe in pipes.values():
        pipe.recv()
    times = {name: [] for name in forms}
    for turn in range(FLAGS.turns):
        for name, pipe in pipes.items():
            pipe.send(turn)
            times[name].append(pipe.recv())
    peaks = {}
    for name, pipe in pipes.items():
        pipe.send(None)
        peaks[name] = pipe.recv()
    for process in processes:
        process.join()
    print(_table(times, peaks))


def _table(times, peaks):
    part = FLAGS.queries // FLAGS.turns
    rates = {name: part / statistics.median(t) for name, t in times.items()}
    lines = [
        f"{FLAGS.queries} queries, {FLAGS.gallery} x {FLAGS.dim} gallery",
        "",
        "| form | queries per second | share | peak memory, MB | share |",
        "|---|---|---|---|---|",
    ]
    for name, rate in rates.items():
        lines.append(
            f"| {name} | {rate:.1f} | {rate / rates['products']:.2f} | "
            f"{peaks[name] / 1e6:.0f} | "
            f"{peaks[name] / peaks['products']:.2f} |"
        )
    return "\n".join(lines)


def _work(form, size, k, pipe):
    """Runs a form over the part of the queries that is asked for."""
    rows, queries, dim, turns = size
    gallery = np.random.default_rng(0).standard_normal(
        (rows, dim), dtype=np.float32
    )
    probes = np.random.default_rng(1).standard_normal(
        (queries, dim), dtype=np.float32
    )
    parts = np.split(probes[: queries // turns * turns], turns)
    pipe.send(None)
    while (turn := pipe.recv()) is not None:
        start = time.perf_counter()
        form(parts[turn], gallery, k)
        pipe.send(time.perf_counter() - start)
    kilobytes = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    pipe.send(1024 * kilobytes)


def _search(probes, gallery, k):
    top_matches(probes, gallery, k)


def _products(probes, gallery, k):
    del k
    width = max(_BLOCK // len(probes), 1)
    buffer = np.empty((len(probes), width), np.float32)
    for start in range(0, len(gallery), width):
        block = gallery[start : start + width]
        np.matmul(probes, block.T, out=buffer[:, : len(block)])


if __name__ == "__main__":
    app.run(main)
