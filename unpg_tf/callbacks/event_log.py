"""Evaluations in TensorBoard: scalars, the ROC curve, similarities.

By `tf.summary.write`, since `tf.summary.scalar` and its like need TensorBoard
itself, which TensorFlow no longer brings along, to be installed.
"""

import tempfile
from pathlib import Path

import numpy as np
import tensorflow as tf

from unpg_tf.evaluation.plots import plot_roc
from unpg_tf.evaluation.plots import plot_similarities

_BINS = 60


class EventLog:
    """Writes evaluations where TensorBoard reads them.

    Args:
        directory: the folder of the event files; made where it is missing.

    Example:
        >>> log = EventLog("runs/lfw/tensorboard/verification")
        >>> log.write(epoch, {"auc": 0.96}, similarities, pairs.same)
    """

    def __init__(self, directory):
        self._writer = tf.summary.create_file_writer(str(directory))

    def write_scalars(self, step, scalars):
        """Writes numbers.

        Args:
            step: integer, such as the epoch.
            scalars: dictionary of names to numbers.
        """
        with self._writer.as_default(step=step):
            for name, value in scalars.items():
                _write(name, "scalars", tf.constant(value, tf.float32))
        self._writer.flush()

    def write(self, step, scalars, similarities, same, threshold=None):
        """Writes numbers, the ROC curve and histograms of an evaluation.

        Args:
            step: integer, such as the epoch.
            scalars: dictionary of names to numbers.
            similarities: [pairs] float array.
            same: [pairs] bool array, True for a pair of one identity.
            threshold: as in `plot_similarities`.

        Raises:
            ImportError: matplotlib is missing.
        """
        self.write_scalars(step, scalars)
        with self._writer.as_default(step=step):
            for kind, name in ((same, "same"), (~same, "different")):
                counted = _counted(similarities[kind])
                _write(f"similarities/{name}", "histograms", counted)
            with tempfile.TemporaryDirectory() as folder:
                roc, histograms = Path(folder, "a.png"), Path(folder, "b.png")
                plot_roc(roc, similarities, same)
                plot_similarities(histograms, similarities, same, threshold)
                _write_image("roc", roc)
                _write_image("similarities", histograms)
        self._writer.flush()


def _write(name, plugin, tensor):
    data = tf.compat.v1.SummaryMetadata.PluginData(plugin_name=plugin)
    metadata = tf.compat.v1.SummaryMetadata(plugin_data=data)
    tf.summary.write(name, tensor, metadata=metadata)


def _write_image(name, path):
    """A picture as TensorBoard wants it: width, height, the files."""
    contents = path.read_bytes()
    height, width, _ = tf.io.decode_png(contents).shape
    _write(name, "images", tf.constant([str(width), str(height), contents]))


def _counted(values):
    """Left edge, right edge and count of each bar: [bars, 3]."""
    counts, edges = np.histogram(values, _BINS, range=(-1, 1))
    return tf.constant(np.stack([edges[:-1], edges[1:], counts], axis=1))
