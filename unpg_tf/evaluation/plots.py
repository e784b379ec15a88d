"""Pictures of an evaluation, by matplotlib (the extra `plots`)."""

import numpy as np

from unpg_tf.files import replaced
from unpg_tf.metrics.accepted import accepted_pairs
from unpg_tf.metrics.roc import LOW_FARS
from unpg_tf.metrics.verification import separation

_SAME = "#0072b2"
_DIFFERENT = "#d55e00"
_INK = "#30343b"
_GREY = "#8a9099"
_KINDS = "pairs of two identities", "pairs of one identity"


def plot_roc(
    path,
    similarities,
    same,
    title="Verification",
    labels=("false accept rate (FAR)", "true accept rate (TAR)"),
):
    """Draws the ROC curve over a logarithmic false accept rate, as a PNG.

    Args:
        path: the file to write; missing folders are made.
        similarities: [pairs] float array.
        same: [pairs] bool array, True for a pair of one identity.
        title: what was measured.
        labels: of the horizontal and of the vertical axis.

    Raises:
        ImportError: matplotlib is missing.
        ValueError: as `roc_curve`.
    """
    accepted = accepted_pairs(similarities, same)
    far, tar = corners(accepted)
    numbers = f"AUC {accepted.auc:.4f}, EER {accepted.eer:.4f}"
    figure, axes = _figure(title, numbers)
    # Where one pair is accepted falsely, and room for a label beside it.
    lowest = min(0.6 / np.sum(~np.asarray(same)), 0.05)
    chance = np.geomspace(lowest, 1, 200)
    axes.plot(chance, chance, color=_GREY, linestyle=":", label="chance")
    axes.plot(
        # A logarithmic axis has no 0: its points go left of what is shown.
        np.maximum(far, lowest / 10),
        tar,
        color=_SAME,
        linewidth=2,
        drawstyle="steps-post",
        label="model",
    )
    _mark_rates(axes, {far: accepted.tar_at(far) for far in LOW_FARS})
    axes.set(xscale="log", xlim=(lowest, 1), ylim=(0, 1.08))
    axes.set(xlabel=labels[0], ylabel=labels[1])
    axes.grid(color=_GREY, alpha=0.25)
    save(figure, path)


def plot_similarities(
    path, similarities, same, threshold=None, title="Verification", kinds=_KINDS
):
    """Draws histograms of the similarities of both kinds of pairs, as a PNG.

    inf S^p and sup S^n are marked, with the margin between them: the space is
    well-discriminative where inf S^p > sup S^n.

    Args:
        path: the file to write; missing folders are made.
        similarities: [pairs] float array.
        same: [pairs] bool array, True for a pair of one identity.
        threshold: float to mark, None for none.
        title: what was measured.
        kinds: what the pairs are that are not the same, and that are.

    Raises:
        ImportError: matplotlib is missing.
        ValueError: as `separation`.

    Source: Jung et al., Unified Negative Pair Generation toward
        Well-discriminative Feature Space for Face Recognition, BMVC 2022.
    """
    similarities, same = np.asarray(similarities), np.asarray(same)
    parted = separation(similarities, same)
    verdict = "" if parted.well_discriminative else "not "
    figure, axes = _figure(title, f"{verdict}well-discriminative")
    middle = (similarities.min() + similarities.max()) / 2
    # A collapsed model gives one similarity only, and a range of no width.
    reach = max(np.ptp(similarities) / 2, 0.005)
    edges = np.linspace(middle - reach, middle + reach, 61)
    tallest = draw_histograms(axes, similarities, same, edges, kinds)
    if threshold is not None:
        label = f"threshold {threshold:.3f}"
        line = {"color": _INK, "linestyle": ":", "label": label}
        axes.plot([threshold] * 2, [0, tallest], **line)
    _mark_separation(axes, parted, tallest)
    # Room beside the outermost similarities for the two labels there.
    axes.set(xlim=(middle - 1.5 * reach, middle + 1.5 * reach))
    axes.set(ylim=(0, 1.4 * tallest))
    axes.set(xlabel="cosine similarity", ylabel="fraction of its kind's pairs")
    save(figure, path)


def new_figure(**options):
    """A figure of matplotlib, without a window."""
    try:
        from matplotlib.figure import Figure
    except ImportError as error:
        raise ImportError(
            'Pictures need matplotlib: pip install "unpg-tf[plots]"'
        ) from error
    return Figure(layout="constrained", **options)


def _figure(title, subtitle):
    figure = new_figure(figsize=(7.5, 5))
    axes = figure.add_subplot()
    axes.set_title(f"{title}\n{subtitle}", color=_INK, loc="left", fontsize=11)
    axes.spines[["top", "right"]].set_visible(False)
    return figure, axes


def corners(accepted):
    """FAR and TAR where the curve turns: millions of negatives lie between."""
    rises = np.diff(accepted.same) > 0
    kept = np.append(rises, True) | np.append(True, rises)
    return accepted.far[kept], accepted.tar[kept]


def _mark_rates(axes, rates):
    rates = {far: tar for far, tar in rates.items() if tar is not None}
    if rates:
        label = f"at {', '.join(map(str, rates))}"
        points = list(rates), list(rates.values())
        axes.plot(*points, "o", color=_SAME, label=label)
    for far, tar in rates.items():
        axes.annotate(
            f"{tar:.3f}",
            (far, tar),
            xytext=(0, 7),
            textcoords="offset points",
            ha="right",
            color=_INK,
        )


def draw_histograms(axes, similarities, same, edges, kinds=_KINDS):
    """Draws both histograms, and returns the height of the tallest bar."""
    parts = (~same, _DIFFERENT, kinds[0]), (same, _SAME, kinds[1])
    heights = []
    for kind, color, label in parts:
        fractions, _, _ = axes.hist(
            similarities[kind],
            edges,
            weights=np.full(kind.sum(), 1 / kind.sum()),
            histtype="stepfilled",
            facecolor=(color, 0.35),
            edgecolor=color,
            label=f"{kind.sum():,} {label}",
        )
        heights.append(fractions.max())
    return max(heights)


def _mark_separation(axes, parted, tallest):
    marks = (
        (parted.inf_positive, r"$\inf\,S^p$", _SAME),
        (parted.sup_negative, r"$\sup\,S^n$", _DIFFERENT),
    )
    low, high = sorted(parted)
    for (value, name, color), side in zip(
        sorted(marks), ("right", "left"), strict=True
    ):
        axes.plot([value] * 2, [0, 1.2 * tallest], color=color, linewidth=1.5)
        axes.annotate(
            f"{name}\n{value:.3f}",
            (value, 1.15 * tallest),
            xytext=(-6 if side == "right" else 6, 0),
            textcoords="offset points",
            ha=side,
            va="center",
            color=color,
        )
    arrow = {"arrowstyle": "<->", "color": _INK, "shrinkA": 0, "shrinkB": 0}
    ends = (low, 1.12 * tallest), (high, 1.12 * tallest)
    axes.annotate("", *ends, arrowprops=arrow)
    axes.annotate(
        f"margin {parted.margin:+.3f}",
        ((low + high) / 2, 1.23 * tallest),
        ha="center",
        color=_INK,
    )


def save(figure, path, axes=None):
    """Writes the figure, with the legend of its first or of the given axes."""
    axes = axes or figure.axes[0]
    axes.tick_params(colors=_INK)
    figure.legend(
        *axes.get_legend_handles_labels(),
        loc="outside lower center",
        ncols=3,
        frameon=False,
    )
    with replaced(path) as temporary:
        figure.savefig(temporary, format="png", dpi=150)
