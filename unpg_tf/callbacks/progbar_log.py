"""Keras' progress bar, on one line."""

from tensorflow import keras

from unpg_tf import compat

# The widest that Keras' bars are.
_BAR = 24 if compat.IS_KERAS_3 else 36
_TIMES = len(" 99999s 999ms/step")


class ProgbarLog(keras.callbacks.ProgbarLogger):
    """Keras' progress bar with the main numbers alone, on one line.

    `fit` uses it in place of its own. Callbacks that add their numbers to
    `logs`, such as `VerificationCallback` and `StatisticsCallback`, would
    otherwise lengthen the line of each epoch to several; all of them are still
    in `History`, `CSVLog` and `ScalarLog`.

    The line has as many numbers as fit into the width: the loss, then
    `val_auc`, then the model's metrics and those of its validation.

    Args:
        names: list of the numbers to show, the most important first; None for
            those above.
        width: integer, the number of characters that a line may have.

    Example:

    >>> progress = unpg_tf.callbacks.ProgbarLog()
    >>> model.fit(dataset, callbacks=[verification, progress])
    """

    def __init__(self, names=None, width=120):
        super().__init__(*([] if compat.IS_KERAS_3 else ["steps"]))
        self.names = names
        self.width = width

    def on_train_batch_end(self, batch, logs=None):
        """Shows the numbers of the epoch until now."""
        logs = logs or {}
        if self.verbose == 1:
            logs = self._fitting(logs, own=logs)
        super().on_train_batch_end(batch, logs)

    def on_epoch_end(self, epoch, logs=None):
        """Shows those of the epoch."""
        own = self.model.get_metrics_result()
        super().on_epoch_end(epoch, self._fitting(logs or {}, own))

    def _fitting(self, logs, own):
        """Those of the numbers that fit into a line, in their order."""
        names = self.names
        if names is None:
            names = ["loss", "val_auc", *own, *(f"val_{name}" for name in own)]
        room = self.width - _TIMES - 2 * len(f"{self.target or 99999}/")
        room -= _BAR if self.verbose == 1 else len(" -  - ")
        shown = set()
        for name in dict.fromkeys(names):
            if name in logs:
                room -= len(f" - {name}: {_digits(float(logs[name]))}")
                if room < 0:
                    break
                shown.add(name)
        return {name: logs[name] for name in logs if name in shown}


def _digits(value):
    """As Keras prints it."""
    return f"{value:.4f}" if abs(value) > 1e-3 else f"{value:.4e}"
