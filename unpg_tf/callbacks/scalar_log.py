"""The numbers of each epoch, for TensorBoard."""

from tensorflow import keras

from unpg_tf import compat
from unpg_tf import distribute
from unpg_tf.callbacks.event_log import EventLog


class ScalarLog(keras.callbacks.Callback):
    """Writes each epoch's numbers for TensorBoard.

    They are the learning rate at its end and all that is in `logs`, for which
    the callback has to come after those that add to it. Unlike
    `keras.callbacks.TensorBoard` it doesn't need TensorBoard itself, which
    TensorFlow no longer brings along, to be installed. With several workers
    the chief alone writes.

    Args:
        log_dir: path of the folder where TensorBoard will find them.

    Example:

    >>> log = unpg_tf.callbacks.ScalarLog("runs/a/tensorboard")
    >>> model.fit(dataset, callbacks=[log])
    """

    def __init__(self, log_dir):
        super().__init__()
        self.log_dir = log_dir

    def on_train_begin(self, logs=None):
        """Opens the file."""
        is_chief = distribute.is_chief(self.model.distribute_strategy)
        self._log = EventLog(self.log_dir) if is_chief else None

    def on_epoch_end(self, epoch, logs=None):
        """Writes the logs, in which earlier callbacks may have put more."""
        if self._log is not None:
            rate = compat.learning_rate(self.model.optimizer)
            scalars = {"learning_rate": rate, **(logs or {})}
            self._log.write_scalars(epoch, scalars)
