"""A table of the numbers of each epoch."""

import csv
import time
from pathlib import Path

from tensorflow import keras

from unpg_tf import compat
from unpg_tf import distribute
from unpg_tf.files import replaced


class CSVLog(keras.callbacks.Callback):
    """Writes a CSV file with a row per epoch, which a resumed run continues.

    The columns are the epoch as Keras prints it, from 1; the learning rate at
    its end; its seconds, in a resumed epoch those since then; and all that is
    in `logs`, for which the callback has to come after those that add to it.
    A number that an epoch lacks leaves its cell empty.

    Rows of the epochs before the first that is trained are kept, later ones
    are replaced: after a resumption the file is that of a run that wasn't
    interrupted, and a training from epoch 0 starts a new one. The file is
    replaced as a whole each time, so that a crash leaves no part of a row.
    With several workers the chief alone writes.

    Args:
        filename: path of the file.
        separator: string of one character, between two cells.

    Example:

    >>> log = unpg_tf.callbacks.CSVLog("runs/a/log.csv")
    >>> model.fit(dataset, epochs=2, callbacks=[log])
    """

    def __init__(self, filename, separator=","):
        super().__init__()
        self.filename = Path(filename)
        self.separator = separator
        self._rows = None

    def on_train_begin(self, logs=None):
        """Forgets the rows of an earlier training."""
        self._rows = None

    def on_epoch_begin(self, epoch, logs=None):
        """Notes the time; keeps the rows of earlier epochs."""
        self._began = time.perf_counter()
        if self._rows is None:
            rows = self._stored()
            self._rows = [row for row in rows if row["epoch"] <= epoch]
            self._write()

    def on_epoch_end(self, epoch, logs=None):
        """Adds a row."""
        row = {
            "epoch": epoch + 1,
            "learning_rate": compat.learning_rate(self.model.optimizer),
            "seconds": round(time.perf_counter() - self._began, 3),
        }
        self._rows.append({**row, **(logs or {})})
        self._write()

    def _stored(self):
        if not self.filename.exists():
            return []
        with self.filename.open(newline="", errors="replace") as file:
            lines = (line for line in file if "\0" not in line)
            rows = list(csv.DictReader(lines, delimiter=self.separator))
        rows = [row for row in rows if (row.get("epoch") or "").isdecimal()]
        # Keras' CSVLogger counts from 0.
        shift = int(any(int(row["epoch"]) == 0 for row in rows))
        for row in rows:
            row["epoch"] = int(row["epoch"]) + shift
            # Cells without a column.
            row.pop(None, None)
        return rows

    def _write(self):
        if not distribute.is_chief(self.model.distribute_strategy):
            return
        # A dict, since it keeps their order.
        names = dict.fromkeys(name for row in self._rows for name in row)
        with (
            replaced(self.filename) as temporary,
            temporary.open("w", newline="") as file,
        ):
            writer = csv.DictWriter(
                file,
                names,
                delimiter=self.separator,
                lineterminator="\n",
            )
            if names:
                writer.writeheader()
            writer.writerows(self._rows)
