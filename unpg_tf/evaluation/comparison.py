"""Pictures of several models, measured on the same pairs (by matplotlib)."""

import numpy as np

from unpg_tf import ops
from unpg_tf.evaluation import plots
from unpg_tf.metrics.accepted import accepted_pairs

_COLOURS = ("#009e73", "#cc79a7", "#30343b", "#e69f00", "#56b4e9", "#8a9099")


def plot_comparison(path, similarities, same, title="Verification"):
    """Draws all ROC curves in one plot, and each model's histograms, as a PNG.

    The histograms are of the similarities of pairs of one identity and of
    two: the further they are apart, the better.

    Args:
        path: the file to write; missing folders are made.
        similarities: dict of names of models to [pairs] float arrays, one to
            six.
        same: [pairs] bool array, True for a pair of one identity.
        title: what was measured.

    Raises:
        ImportError: matplotlib is missing.
        ValueError: there are none or too many models, or as `roc_curve`.

    Example:
        >>> models = {"unpg": unpg, "margin": margin}
        >>> plot_comparison("compared.png", models, same)
    """
    ops.expect(
        1 <= len(similarities) <= len(_COLOURS),
        f"one to {len(_COLOURS)} models",
        similarities=list(similarities),
    )
    same = np.asarray(same)
    figure = plots.new_figure(figsize=(10, 2.2 + 1.6 * len(similarities)))
    grid = figure.add_gridspec(len(similarities), 2)
    curves = figure.add_subplot(grid[:, 0])
    _draw_curves(curves, similarities, same)
    curves.set_title(title, loc="left", fontsize=11)
    edges = np.linspace(-1, 1, 101)
    for row, (name, values) in enumerate(similarities.items()):
        axes = figure.add_subplot(grid[row, 1])
        plots.draw_histograms(axes, np.asarray(values), same, edges)
        axes.set_title(name, loc="left", fontsize=10, color=_COLOURS[row])
        axes.set_yticks([])
    axes.set(xlabel="cosine similarity")
    plots.save(figure, path, axes)


def _draw_curves(axes, similarities, same):
    lowest = min(0.6 / np.sum(~same), 0.05)
    for (name, values), colour in zip(
        similarities.items(), _COLOURS, strict=False
    ):
        accepted = accepted_pairs(values, same)
        far, tar = plots.corners(accepted)
        axes.plot(
            np.maximum(far, lowest / 10),
            tar,
            color=colour,
            linewidth=2,
            drawstyle="steps-post",
            label=f"{name}: AUC {accepted.auc:.3f}",
        )
    axes.set(xscale="log", xlim=(lowest, 1), ylim=(0, 1.02))
    axes.set(xlabel="false accept rate", ylabel="true accept rate")
    axes.grid(color="0.8", linewidth=0.5)
    axes.legend(loc="upper left", frameon=False)
