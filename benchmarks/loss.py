"""Cost of the losses, beside the matrix products they can't do without.

    python benchmarks/loss.py --plot=docs/cost.svg

Each size is B x C x D: rows of the batch, classes, dimension. A step is a head
and its loss, forward and backward, to the gradients of embeddings and class
centres. Compared are

    products      the class cosines and their two gradients, and the pairs'
                  similarities and their gradient: bare matrix products
    bfloat16, float16  the same in half precision, read and given in float32,
                  in which the softmax between them is
    margin, unpg  `CosFace` under `MarginLoss` and `UNPGLoss`, the latter also
                  with that `product_dtype`
    unpg bounded  the same with `max_pair_share` and `max_target_ratio`
    materialised  UNPG as its reference has it: every row of logits ends in
                  all B (B - 1) / 2 pairs. Skipped where one such matrix would
                  pass --memory_limit.
    torch         the same in PyTorch, where that is installed
    triplet       TensorFlow Addons' semi-hard triplets, where they are; they
                  have no classes

Times are medians over turns in which all take part, one step each, so that
other work on the machine meets them alike; they are printed in multiples of
the float32 products' (the faster of graph and XLA), once by medians, once by
minima and once by the processor's time, which a busy machine blurs less. Memory
is what a process of its own needs at its peak beyond the inputs, in multiples
of one matrix of B x C and one of B x B together.
"""

import ctypes
import itertools
import os
import subprocess
import sys
import time

import loss_forms
import numpy as np
from absl import app
from absl import flags

FLAGS = flags.FLAGS
flags.DEFINE_list("sizes", ["512x20000x512", "4096x4000x256"], "BxCxD, each.")
flags.DEFINE_list("forms", None, "Of these, beside products; all by default.")
flags.DEFINE_list("modes", ["graph", "xla"], "How it is compiled.")
flags.DEFINE_integer("turns", 7, "Steps of each.", lower_bound=1)
flags.DEFINE_float("memory_limit", 4.0, "GB that one matrix may have.")
flags.DEFINE_string(
    "plot", None, "Draw cost against batch and against classes, in this file."
)
flags.DEFINE_list("batches", [128, 512, 2048, 4096], "Of the plot.")
flags.DEFINE_list("classes", [1000, 8000, 64000], "Of the plot.")
flags.DEFINE_string(
    "peak_of", None, "SIZE;FORM;MODE: print the bytes of its peak, no more."
)


def main(_):
    """Prints one table for each size, and draws the plot."""
    if FLAGS.peak_of:
        print(_own_peak(*FLAGS.peak_of.split(";")))
        return
    for size in FLAGS.sizes:
        print(_table(size), flush=True)
    if FLAGS.plot:
        _draw(FLAGS.plot)


def _kinds(size):
    """(form, mode) of all that can run, and fits."""
    forms = loss_forms.available()
    if FLAGS.forms is not None:
        forms = [form for form in forms if form in ["products", *FLAGS.forms]]
    kinds = itertools.product(forms, FLAGS.modes)
    return [kind for kind in kinds if _fits(size, *kind)]


def _fits(size, form, mode):
    rows, classes, _ = loss_forms.sizes_of(size)
    if form not in loss_forms.ONLY_GRAPH:
        return True
    width = 0 if form == "triplet" else classes + rows * (rows - 1) / 2
    return mode == "graph" and 4 * rows * width < 1e9 * FLAGS.memory_limit


def _table(size):
    kinds = _kinds(size)
    times = _times({kind: loss_forms.step(size, *kind) for kind in kinds})
    measures = [
        lambda seconds: np.median(seconds[:, 0]),
        lambda seconds: np.min(seconds[:, 0]),
        lambda seconds: np.median(seconds[:, 1]),
    ]
    units = [
        min(measure(times["products", mode]) for mode in FLAGS.modes)
        for measure in measures
    ]
    rows, classes, _ = loss_forms.sizes_of(size)
    lines = [
        f"{size}: products {units[0]:.3f} s, at least {units[1]:.3f} s",
        "",
        "| form | mode | median | least | processor | memory |",
        "|---|---|---|---|---|---|",
    ]
    for kind in kinds:
        ratios = [
            measure(times[kind]) / unit
            for measure, unit in zip(measures, units, strict=True)
        ]
        ratios.append(_peak(size, *kind) / (4 * rows * (classes + rows)))
        cells = [*kind, *map("{:.2f}".format, ratios)]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def _times(steps):
    """Seconds of every turn of each step, [turns, 2].

    By the clock, then by the processor. The first, which compiles, is apart.
    """
    for step in steps.values():
        step()
    times = {kind: [] for kind in steps}
    for _ in range(FLAGS.turns):
        for kind, step in steps.items():
            start = np.array([time.perf_counter(), time.process_time()])
            step()
            end = np.array([time.perf_counter(), time.process_time()])
            times[kind].append(end - start)
    return {kind: np.array(seconds) for kind, seconds in times.items()}


def _peak(size, form, mode):
    command = [sys.executable, __file__, f"--peak_of={size};{form};{mode}"]
    # oneDNN's own would keep what the first step took, and need no more.
    environment = {**os.environ, "TF_ONEDNN_USE_SYSTEM_ALLOCATOR": "1"}
    done = subprocess.run(
        command, check=True, capture_output=True, text=True, env=environment
    )
    return int(done.stdout.split()[-1])


def _own_peak(size, form, mode):
    """Bytes beyond the inputs, by Linux's count of this process."""
    step = loss_forms.step(size, form, mode)
    # What is compiled and loaded once is no part of it. What this step has
    # freed goes back to the system, lest the next ones take it uncounted.
    step()
    ctypes.CDLL(None).malloc_trim(0)
    with open("/proc/self/clear_refs", "w") as file:
        file.write("5")
    before = _status("VmRSS")
    for _ in range(3):
        step()
    return _status("VmHWM") - before


def _status(name):
    with open("/proc/self/status") as file:
        (line,) = [line for line in file if line.startswith(name)]
    return int(line.split()[1]) * 1024


def _draw(path):
    import matplotlib

    matplotlib.use("Agg")
    matplotlib.rcParams["svg.hashsalt"] = "unpg_tf"
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(1, 2, figsize=(9, 3.4), sharey=True)
    _draw_costs(axes[0], FLAGS.batches, "rows of the batch", "{}x4000x256")
    _draw_costs(axes[1], FLAGS.classes, "classes", "512x{}x256")
    axes[0].set_ylabel("time of a step / bare products")
    axes[0].set_title("4,000 classes", fontsize="medium")
    axes[1].set_title("512 rows", fontsize="medium")
    axes[0].legend(frameon=False)
    figure.tight_layout()
    figure.savefig(path, metadata={"Date": None})


def _draw_costs(axis, numbers, label, size):
    """A line for each form, by the better of graph and XLA."""
    numbers = [int(number) for number in numbers]
    costs = {}
    for number in numbers:
        at = size.format(number)
        times = _times(
            {
                kind: loss_forms.step(at, *kind)
                for kind in _kinds(at)
                if "float16" not in kind[0] and kind[0] != loss_forms.BOUNDED
            }
        )
        least = {}
        for (form, _), seconds in times.items():
            best = np.min(seconds[:, 0])
            least[form] = min(best, least.get(form, best))
        for form, seconds in least.items():
            costs.setdefault(form, {})[number] = seconds / least["products"]
    for form, ratios in costs.items():
        axis.plot(list(ratios), list(ratios.values()), "o-", label=form)
    axis.set(xscale="log", yscale="log", xlabel=label)
    axis.set_xticks(numbers, map("{:,}".format, numbers))
    axis.minorticks_off()


if __name__ == "__main__":
    app.run(main)
