r"""The table and the picture of what `gains.py` has found.

    python benchmarks/gains_table.py runs/gains.jsonl --picture=gains.svg

prints, for each setting and head, the loss `margin`, or that of --plain, with
the standard error of its mean, and the others' differences from it, seed by
seed, with theirs. A difference of more than two standard errors is in bold.
"""

import collections
import json
from pathlib import Path

import numpy as np
from absl import app
from absl import flags

FLAGS = flags.FLAGS

COLUMNS = ("auc", "tar@0.1", "tar@0.01", "tar@0.001", "tar@0.0001")


def main(argv):
    """Prints the table, and draws the picture where one is asked for."""
    rows = read(argv[1:])
    print(markdown(rows, FLAGS.plain, FLAGS.losses.split()))
    if FLAGS.picture:
        picture(rows, FLAGS.picture, FLAGS.plain, FLAGS.losses.split())


def read(files):
    """The rows of files of results."""
    lines = (line for file in files for line in Path(file).open())
    return [json.loads(line) for line in lines]


def differences(rows, plain="margin", losses=()):
    """The plain loss of each setting, head and test, and what others change.

    Args:
        rows: Those of `read`.
        plain: The loss to compare with.
        losses: The others; if empty, all.

    Yields:
        Setting with test, head, loss, and its values, [seeds, columns]; of
        other losses than the plain one differences from it, of the seeds that
        both have.
    """
    found = collections.defaultdict(lambda: collections.defaultdict(dict))
    for row in rows:
        key = row["setting"] + row.get("test", ""), row["head"]
        values = [row[column] for column in (*COLUMNS, "wrong")]
        found[key][row["loss"]][row["seed"]] = np.array(values)
    for (setting, head), of_losses in found.items():
        start = of_losses.pop(plain, {})
        if not start:
            continue
        yield setting, head, plain, np.array(list(start.values()))
        for loss in losses or of_losses:
            seeds = sorted(start.keys() & of_losses.get(loss, {}).keys())
            if seeds:
                change = [of_losses[loss][s] - start[s] for s in seeds]
                yield setting, head, loss, np.array(change)


def standard_error(values):
    """Of the mean over the first axis; NaN of a single one."""
    if len(values) < 2:
        return np.full(values.shape[1:], np.nan)
    return values.std(axis=0, ddof=1) / np.sqrt(len(values))


def markdown(rows, plain="margin", losses=()):
    """The table, as text."""
    names = ["AUC", *(f"TAR at FAR {c.split('@')[1]}" for c in COLUMNS[1:])]
    lines = [
        f"| setting | head | loss | seeds | {' | '.join(names)} | wrong |",
        "|---" * (5 + len(names)) + "|",
    ]
    for setting, head, loss, values in differences(rows, plain, losses):
        mean, error = values.mean(axis=0), standard_error(values)
        cells = [
            _cell(m, e, loss != plain)
            for m, e in zip(mean[:-1], error[:-1], strict=True)
        ]
        cells = [setting, head, loss, str(len(values)), *cells]
        cells.append(f"{mean[-1]:{'+' * (loss != plain)}.2f}")
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def _cell(mean, error, is_difference):
    if not is_difference:
        return f"{mean:.3f} ± {error:.3f}"
    text = f"{mean:+.3f} ± {error:.3f}"
    return f"**{text}**" if abs(mean) > 2 * error else text


def picture(rows, file, plain="margin", losses=()):
    """Draws each difference with its interval, by setting and FAR.

    Args:
        rows: Those of `read`.
        file: Where it goes.
        plain: The loss to compare with.
        losses: The others; if empty, all.
    """
    import matplotlib
    from matplotlib.figure import Figure

    # Text stays text, and the same results give the same file.
    matplotlib.rcParams.update({"svg.fonttype": "none", "svg.hashsalt": ""})

    found = [d for d in differences(rows, plain, losses) if d[2] != plain]
    groups = list(dict.fromkeys((setting, head) for setting, head, *_ in found))
    kinds = list(dict.fromkeys(loss for _, _, loss, _ in found))
    figure = Figure(
        figsize=(10, 1.2 + 0.34 * len(groups)), layout="constrained"
    )
    axes = figure.subplots(1, len(COLUMNS), sharey=True)
    for column, axis in enumerate(axes):
        for setting, head, loss, values in found:
            height = groups.index((setting, head))
            height += 0.5 * (kinds.index(loss) + 0.5) / len(kinds) - 0.25
            mean = values.mean(axis=0)[column]
            error = 2 * standard_error(values)[column]
            color = f"C{kinds.index(loss)}"
            axis.errorbar(mean, height, xerr=error, fmt="o", ms=3, color=color)
        axis.axvline(0, color="0.6", lw=0.8)
        axis.set_title(
            COLUMNS[column]
            .replace("tar@", "TAR at FAR ")
            .replace("auc", "AUC"),
            fontsize=8,
        )
        axis.tick_params(labelsize=7)
        axis.grid(axis="x", lw=0.3)
    labels = [f"{setting}, {head}" for setting, head in groups]
    axes[0].set_yticks(range(len(groups)), labels)
    axes[0].invert_yaxis()
    for kind, loss in enumerate(kinds):
        axes[0].plot([], [], "o", ms=3, color=f"C{kind}", label=loss)
    figure.legend(
        *axes[0].get_legend_handles_labels(),
        loc="outside lower center",
        ncols=len(kinds),
        fontsize=7,
    )
    figure.savefig(
        file, metadata={"Date": None} if str(file).endswith(".svg") else None
    )


if __name__ == "__main__":  # Another program reads its functions alone.
    flags.DEFINE_string("plain", "margin", "The loss to compare with.")
    flags.DEFINE_string(
        "losses", "", "Those to show, between blanks; by default all."
    )
    flags.DEFINE_string("picture", None, "File of a picture, .svg or .png.")
    app.run(main)
