"""What a training leaves behind to go on from, and how it does so."""

import hashlib
import json
import shutil
import signal
import sys
from pathlib import Path

import tensorflow as tf
from tensorflow import keras

from unpg_tf import compat
from unpg_tf.files import replaced

KEPT = 3
# What TensorFlow raises where another worker doesn't answer.
_LOST = (
    tf.errors.AbortedError,
    tf.errors.CancelledError,
    tf.errors.DeadlineExceededError,
    tf.errors.UnavailableError,
)
START = {"epoch": 0, "step": 0, "means": {}}


class Checkpoints(keras.callbacks.Callback):
    """Saves weights, optimizer, random state and position in the data.

    Beside each checkpoint stands a file with the position and the run, and
    with the checksums of these and of its parts, written last: a checkpoint
    that a crash or a full disk has cut short is known by it, and the one
    before it used.

    It saves after each epoch, every `steps_between` steps, and on SIGTERM and
    SIGINT, which then end the program with the exit codes 143 and 130.

    Args:
        directory: path, where the last three checkpoints are kept.
        run: dict of what has to be known of a run to go on with it, with
            "steps_per_epoch" among it.
        steps_between: integer; 0 for the ends of epochs alone.
        agreed: function of a number to the greatest of all workers', since
            all of them take part in saving.
        look: function that is called before a save within an epoch, and may
            raise.
    """

    def __init__(
        self, directory, run, steps_between=0, agreed=int, look=lambda: None
    ):
        super().__init__()
        self.directory = Path(directory)
        self.run = run
        self.steps_between = steps_between
        self.agreed = agreed
        self.look = look
        self.signal = 0
        self.position = START

    def set_model(self, model):
        """Collects what belongs to the state of the training."""
        super().set_model(model)
        checkpoint = tf.train.Checkpoint(
            model=model,
            optimizer=model.optimizer,
            random=_random_states(model),
        )
        self.manager = tf.train.CheckpointManager(
            checkpoint, str(self.directory), max_to_keep=KEPT
        )
        self._remove_unfinished()

    def restore(self, path, position):
        """Restores a built model and optimizer.

        Args:
            path: string, as `last_checkpoint` gives it.
            position: dict, likewise.

        Raises:
            ValueError: the checkpoint is of another model or optimizer.
        """
        try:
            checkpoint = self.manager.checkpoint
            status = checkpoint.restore(path).expect_partial()
            status.assert_existing_objects_matched()
        except (AssertionError, ValueError) as error:
            raise ValueError(
                "Expected the data, model and optimizer of the run that is "
                f"resumed, as its flags.txt has them. Received: others: {error}"
            ) from error
        self.position = position

    def on_train_begin(self, logs=None):
        """Takes the signals over."""
        self.handlers = {
            number: signal.signal(number, self._note_signal)
            for number in (signal.SIGTERM, signal.SIGINT)
        }

    def on_train_end(self, logs=None):
        """Gives the signals back."""
        for number, handler in self.handlers.items():
            signal.signal(number, handler)

    def _note_signal(self, number, _):
        self.signal = number
        self.on_train_end()  # A second one ends at once.

    def on_epoch_begin(self, epoch, logs=None):
        """Forgets where an earlier epoch had been resumed."""
        if epoch != self.position["epoch"]:
            self.position = {**START, "epoch": epoch}

    def on_train_batch_end(self, batch, logs=None):
        """Saves every so many steps, and before the program ends."""
        step = self.position["step"] + batch + 1
        if step == self.run["steps_per_epoch"]:
            return  # The end of the epoch follows, and saves.
        number = self.agreed(self.signal)
        if number or (self.steps_between and step % self.steps_between == 0):
            self.look()
            means = self.means(step)
            self._save({**self.position, "step": step, "means": means})
        self._end(number)

    def on_epoch_end(self, epoch, logs=None):
        """Saves."""
        self._save({**START, "epoch": epoch + 1})
        self._end(self.agreed(self.signal))

    def means(self, step):
        """The epoch's metrics until a step, also those of before a resumption.

        They are means over batches of one size.
        """
        before, then = self.position["step"], self.position["means"]
        now = self.model.get_metrics_result()
        return {
            name: (before * then.get(name, 0.0) + (step - before) * float(mean))
            / step
            for name, mean in now.items()
        }

    def _save(self, position):
        steps = self.run["steps_per_epoch"]
        number = position["epoch"] * steps + position["step"]
        try:
            path = self.manager.save(checkpoint_number=number)
            _seal(Path(path), {"run": self.run, "position": position})
        except (OSError, tf.errors.OpError) as error:
            for path in self.directory.glob(f"ckpt-{number}.*"):
                path.unlink()
            self._remove_unfinished()
            if isinstance(error, _LOST):
                raise
            raise OSError(
                f"Expected room for a checkpoint in {self.directory}, where "
                f"the last whole ones stay. Received: {error}"
            ) from error

    def _remove_unfinished(self):
        """Makes room of what a save that was cut short has left."""
        for folder in self.directory.glob("ckpt-*_temp"):
            shutil.rmtree(folder, ignore_errors=True)

    def _end(self, number):
        if number:
            print(
                f"unpg train: {signal.Signals(number).name}: saved, to go on "
                "with --resume",
                file=sys.stderr,
                flush=True,
            )
            sys.exit(128 + number)


def last_checkpoint(directory):
    """Finds the newest checkpoint that is whole.

    Args:
        directory: path, where `Checkpoints` has saved.

    Returns:
        A tuple of its path, a string, and of the dict with the "run" and the
        "position" that were saved beside it; None where there is none.
    """
    parts = Path(directory).glob("ckpt-*.index")
    for part in sorted(parts, key=_number, reverse=True):
        seal = part.with_suffix(".json")
        try:
            saved = json.loads(seal.read_text())
            whole = saved.pop("checksums") == _checksums(seal, saved)
        except (AttributeError, KeyError, OSError, TypeError, ValueError):
            whole = False
        if whole:
            return str(part.with_suffix("")), saved
        print(f"{part.with_suffix('')}: not whole, passed over", flush=True)
    return None


def _number(path):
    return int(path.stem.partition("-")[2])


def _seal(path, contents):
    """Writes the file that tells a whole checkpoint; drops those of old."""
    seal = path.with_name(path.name + ".json")
    contents = {**contents, "checksums": _checksums(seal, contents)}
    with replaced(seal) as temporary:
        temporary.write_text(json.dumps(contents))
    for other in path.parent.glob("ckpt-*.json"):
        if not other.with_suffix(".index").exists():
            other.unlink()


def _checksums(seal, contents):
    own = hashlib.sha256(json.dumps(contents).encode()).hexdigest()
    parts = sorted(seal.parent.glob(f"{seal.stem}.*"))
    others = {
        part.name: _checksum(part)
        for part in parts
        if part.suffix != seal.suffix
    }
    return {seal.name: own, **others}


def _checksum(path):
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


def _random_states(model):
    """Where dropout stands, which isn't among the weights."""
    if compat.IS_KERAS_3:
        weights = {id(weight) for weight in model.weights}
        states = (v for v in model.variables if id(v) not in weights)
        return [state.value for state in states]
    layers = (m for m in model.submodules if hasattr(m, "_random_generator"))
    # Keras 2 hides them from checkpoints, and has no other way to them.
    return [layer._random_generator._generator for layer in layers]
