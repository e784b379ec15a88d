"""What train.py writes after each epoch, and how it goes on from there."""

import csv
import math
import os
from pathlib import Path

import tensorflow as tf
from tensorflow import keras

from unpg_tf import compat


class Checkpoints(keras.callbacks.Callback):
    """Saves weights, optimizer, random state and epoch after each epoch.

    `keras.callbacks.BackupAndRestore` deletes what it saved once a training
    ends, and its two generations save in different ways; a `tf.train`
    checkpoint is one for all, and complete or not there.

    Args:
        directory: string, where the last checkpoint is kept.
    """

    def __init__(self, directory):
        super().__init__()
        self.directory = directory

    def set_model(self, model):
        """Collects what belongs to the state of the training."""
        super().set_model(model)
        self.epochs_done = tf.Variable(0, trainable=False, dtype=tf.int64)
        checkpoint = tf.train.Checkpoint(
            model=model,
            optimizer=model.optimizer,
            epochs_done=self.epochs_done,
            random=_random_states(model),
        )
        self.manager = tf.train.CheckpointManager(
            checkpoint, self.directory, max_to_keep=1
        )

    def restore(self, path):
        """Restores a built model and optimizer; returns the epochs done.

        Raises:
            ValueError: the checkpoint is of another model or optimizer.
        """
        try:
            status = self.manager.checkpoint.restore(path).expect_partial()
            status.assert_existing_objects_matched()
        except (AssertionError, ValueError) as error:
            raise ValueError(
                "Expected the data, model and optimizer of the run that is "
                f"resumed, as its flags.txt has them. Received: others: {error}"
            ) from error
        return int(self.epochs_done)

    def on_epoch_end(self, epoch, logs=None):
        """Saves."""
        self.epochs_done.assign(epoch + 1)
        self.manager.save(checkpoint_number=epoch + 1)


def _random_states(model):
    """Where dropout stands, which isn't among the weights."""
    if compat.IS_KERAS_3:
        weights = {id(weight) for weight in model.weights}
        states = (v for v in model.variables if id(v) not in weights)
        return [state.value for state in states]
    layers = (m for m in model.submodules if hasattr(m, "_random_generator"))
    # Keras 2 hides them from checkpoints, and has no other way to them.
    return [layer._random_generator._generator for layer in layers]


class FiniteLoss(keras.callbacks.Callback):
    """Ends a training that has diverged, before anything of it is saved."""

    def on_epoch_end(self, epoch, logs=None):
        """Raises a FloatingPointError unless the loss is finite."""
        if not math.isfinite(logs["loss"]):
            raise FloatingPointError(
                "Expected a finite loss: a lower --learning_rate, a longer "
                f"--warmup_epochs. Received: {logs['loss']} in epoch "
                f"{epoch + 1}"
            )


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

    Rows of later epochs, which ended after the checkpoint and are lost, go.
    """
    path = Path(path)
    if epochs_done and path.exists():
        with path.open(newline="") as file:
            header, *rows = csv.reader(file)
        kept = [row for row in rows if int(row[0]) < epochs_done]
        temporary = path.with_name(path.name + ".tmp")
        with temporary.open("w", newline="") as file:
            csv.writer(file, lineterminator="\n").writerows([header, *kept])
        os.replace(temporary, path)
    return keras.callbacks.CSVLogger(str(path), append=epochs_done > 0)
