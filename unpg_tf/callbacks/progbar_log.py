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
        self._own = []

    def _implements_train_batch_hooks(self):
        # Keras 2 leaves the hooks of steps out if no bar moves.
        return True

    def on_train_batch_end(self, batch, logs=None):
        """Shows the numbers of the epoch until now."""
        logs = logs or {}
        # No callback has added to them yet.
        self._own = list(logs)
        if self.verbose == 1:
            logs = self._fitting(logs)
        super().on_train_batch_end(batch, logs)

    def on_epoch_end(self, epoch, logs=None):
        """Shows those of the epoch."""
        super().on_epoch_end(epoch, self._fitting(logs or {}))

    def _fitting(self, logs):
        """Those of the numbers that fit into a line, in their order."""
        names = self.names
        if names is None:
            validated = [f"val_{name}" for name in self._own]
            names = ["loss", "val_auc", *self._own, *validated]
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
