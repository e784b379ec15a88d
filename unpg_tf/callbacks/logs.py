"""Logs of the numbers of each epoch."""

import csv
from pathlib import Path

import tensorflow as tf
from tensorflow import keras

from unpg_tf.files import replaced


class ScalarLog(keras.callbacks.Callback):
    """Writes each epoch's numbers for TensorBoard.

    Unlike `keras.callbacks.TensorBoard` it doesn't need TensorBoard itself,
    which TensorFlow no longer brings along, to be installed.

    Args:
        directory: string, where TensorBoard will find them.
    """

    def __init__(self, directory):
        super().__init__()
        self.writer = tf.summary.create_file_writer(directory)
        plugin = tf.compat.v1.SummaryMetadata.PluginData(plugin_name="scalars")
        self.metadata = tf.compat.v1.SummaryMetadata(plugin_data=plugin)

    def on_epoch_end(self, epoch, logs=None):
        """Writes the logs, in which earlier callbacks may have put more."""
        with self.writer.as_default(step=epoch):
            for name, value in (logs or {}).items():
                value = tf.cast(value, tf.float32)
                tf.summary.write(name, value, metadata=self.metadata)
        self.writer.flush()


def csv_log(path, epochs_done):
    """A `CSVLogger` that goes on after the epochs that a checkpoint holds.

    Rows of later epochs, which ended after the checkpoint and are lost, go;
    so does what a crash has left of a row.
    """
    path = Path(path)
    done = {"epoch", *map(str, range(epochs_done))}
    kept = []
    if epochs_done and path.exists():
        with path.open(newline="", errors="replace") as file:
            lines = (line for line in file if "\0" not in line)
            kept = [row for row in csv.reader(lines) if {*row[:1]} & done]
    with replaced(path) as temporary:
        with temporary.open("w", newline="") as file:
            csv.writer(file, lineterminator="\n").writerows(kept)
    return keras.callbacks.CSVLogger(str(path), append=True)
