r"""Compares UNPG with the plain margin loss on faces, over several seeds.

Each run is `unpg train` and `unpg evaluate` as users call them;
within a head and a seed, only --loss differs. On LFW's View 1, from scratch:

    python benchmarks/quality.py --data=lfw --output_dir=runs/quality

prints a table of accuracy and TAR at FAR (mean and standard deviation over
the seeds) and of what UNPG changes seed by seed. A loss may carry an option,
as in --losses=margin,unpg,unpg:pair_weight=0.1. Flags for unpg train go after a
double dash; they hold for all runs. A comparison that was interrupted goes on
where it stopped, since a run whose report is there isn't repeated. With
--data=synthetic the identities are drawn.
"""

import concurrent.futures
import itertools
import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
from absl import app
from absl import flags

FLAGS = flags.FLAGS
flags.DEFINE_string(
    "data", None, "Folder of LFW and its protocol files; or 'synthetic'."
)
flags.DEFINE_list("heads", ["cosface", "arcface"], "Heads to compare.")
flags.DEFINE_list("losses", ["margin", "unpg"], "Losses to compare.")
flags.DEFINE_integer("seeds", 5, "Runs of each head and loss.", lower_bound=1)
flags.DEFINE_integer(
    "jobs", 2, "Runs at a time, each on one thread.", lower_bound=1
)
flags.DEFINE_string("output_dir", None, "Folder for the runs and the table.")
flags.mark_flags_as_required(["data", "output_dir"])

METRICS = {
    "accuracy": lambda report: report["accuracy"],
    "AUC": lambda report: report["auc"],
    "TAR at FAR 0.1": lambda report: report["tar_at_far"]["0.1"],
    "TAR at FAR 0.01": lambda report: report["tar_at_far"]["0.01"],
}


def main(argv):
    """Makes all runs, two at a time, and prints the table."""
    runs = list(
        itertools.product(range(FLAGS.seeds), FLAGS.heads, FLAGS.losses)
    )
    with concurrent.futures.ThreadPoolExecutor(FLAGS.jobs) as pool:
        reports = pool.map(lambda run: _report(*run, argv[1:]), runs)
        reports = dict(zip(runs, reports, strict=True))
    table = _table(reports)
    (Path(FLAGS.output_dir) / "table.md").write_text(table)
    print(table)


def _report(seed, head, loss, train_flags):
    """Trains and evaluates one model, unless that is done already."""
    name = f"{head}-{loss}-{seed}".replace(":", "-")
    folder = Path(FLAGS.output_dir) / name
    report = folder / "report.json"
    if not report.exists():
        folder.mkdir(parents=True, exist_ok=True)
        loss, _, option = loss.partition(":")
        train_pairs, test_pairs = _protocol()
        with open(folder / "log.txt", "w") as log:
            _run(
                log,
                "train",
                f"--head={head}",
                f"--loss={loss}",
                *([f"--loss_option={option}"] if option else []),
                f"--seed={seed}",
                f"--output_dir={folder}",
                *train_pairs,
                *train_flags,
            )
            _run(
                log,
                "evaluate",
                f"--model={folder / 'model.keras'}",
                f"--report={report}",
                "--noplots",
                *test_pairs,
            )
        print(f"{folder.name} done", file=sys.stderr, flush=True)
    return json.loads(report.read_text())


def _protocol():
    """The flags of training and of evaluation that say what is measured."""
    data = [f"--data={FLAGS.data}"]
    if FLAGS.data == "synthetic":
        return data, data
    root = Path(FLAGS.data)
    return [*data, f"--people={root / 'peopleDevTrain.txt'}"], [
        *data,
        f"--pairs={root / 'pairsDevTest.txt'}",
        f"--threshold_pairs={root / 'pairsDevTrain.txt'}",
    ]


def _run(log, program, *arguments):
    environment = os.environ | {"TF_NUM_INTRAOP_THREADS": "1"}
    subprocess.run(
        [sys.executable, "-m", "unpg_tf", program, *arguments],
        check=True,
        stdout=log,
        stderr=subprocess.STDOUT,
        env=environment,
    )


def _table(reports):
    """A Markdown table of the metrics, and of the differences by seed."""
    seeds = range(FLAGS.seeds)
    lines = [
        f"| head | loss | {' | '.join(METRICS)} |",
        "|---" * (2 + len(METRICS)) + "|",
    ]
    for head in FLAGS.heads:
        values = {
            loss: np.array([_metrics(reports[s, head, loss]) for s in seeds])
            for loss in FLAGS.losses
        }
        first = FLAGS.losses[0]
        for loss in FLAGS.losses:
            lines.append(_row(head, loss, values[loss], "{:.3f} ± {:.3f}"))
        for loss in FLAGS.losses[1:]:
            change = values[loss] - values[first]
            name = f"{loss} - {first}"
            lines.append(_row(head, name, change, "{:+.3f} ± {:.3f}"))
    return "\n".join(lines) + "\n"


def _metrics(report):
    return [metric(report) for metric in METRICS.values()]


def _row(head, name, values, layout):
    """One row: mean and standard deviation over the seeds."""
    spread = values.std(axis=0, ddof=1) if len(values) > 1 else 0 * values[0]
    cells = map(layout.format, values.mean(axis=0), spread)
    return f"| {head} | {name} | {' | '.join(cells)} |"


if __name__ == "__main__":
    app.run(main)
