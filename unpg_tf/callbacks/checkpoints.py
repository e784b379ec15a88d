"""Checkpoints that a training resumes from, also within an epoch."""

import contextlib
import json
import math
import signal
import sys
import tempfile
from pathlib import Path

import tensorflow as tf
from tensorflow import keras

from unpg_tf import compat
from unpg_tf import distribute
from unpg_tf import ops
from unpg_tf.callbacks import checkpoint_files
from unpg_tf.callbacks.due import is_due
from unpg_tf.callbacks.signals import Signals

# What TensorFlow raises where another worker doesn't answer.
_LOST = (
    tf.errors.AbortedError,
    tf.errors.CancelledError,
    tf.errors.DeadlineExceededError,
    tf.errors.UnavailableError,
)
START = {"epoch": 0, "step": 0, "means": {}}


class OtherRunError(ValueError):
    """Data, model, optimizer or settings aren't those of a checkpoint."""


class Checkpoints(keras.callbacks.Callback):
    """Saves weights, optimizer, random state and position in the data.

    `resumable_fit` saves by it, and resumes from its last whole checkpoint. It
    saves at the end of each epoch, every `save_freq` steps within it, and on
    SIGTERM and SIGINT (Ctrl-C), which then end the program with the exit codes
    143 and 130.

    A checkpoint is two TensorFlow files, `ckpt-N.index` and `ckpt-N.data-…`, N
    the number of steps done, and `ckpt-N.json` with the position, the settings
    and the checksums of all three, written last. A checkpoint that a crash or
    a full disk has cut short is recognised by it, and the one before is used.

    With several workers all of them name the same directory, to which the
    chief alone writes.

    Args:
        directory: path of a folder for this run alone.
        save_freq: `"epoch"` to save at the end of each epoch; an integer to
            save every so many steps of an epoch as well.
        max_to_keep: integer, the number of checkpoints that are kept.
        settings: dict of JSON values that must stay the same when the run is
            resumed, such as `{"batch_size": 64}`.
        handle_signals: bool. False leaves SIGTERM and SIGINT alone: in a
            notebook, where Ctrl-C should end the cell and not the program, and
            outside of the main thread, where Python can't handle signals.
        verbose: 1 prints a line when a signal ends the program, 0 doesn't.

    Attributes:
        position: dict, the "epoch" and the "step" within it, both from 0, at
            which the training was resumed; during a later epoch that epoch
            and 0.
        resumed_from: string, the path of the checkpoint that was restored;
            None in a new run.

    Raises:
        ValueError: `save_freq` or `max_to_keep` is out of range; or the
            callback is used by `fit`, which can't resume within an epoch, in
            place of `resumable_fit`.

    Example:

    >>> checkpoints = unpg_tf.callbacks.Checkpoints("runs/a", save_freq=500)
    >>> unpg_tf.callbacks.resumable_fit(
    ...     model, dataset, epochs=20, callbacks=[checkpoints]
    ... )
    """

    def __init__(
        self,
        directory,
        save_freq="epoch",
        max_to_keep=3,
        settings=None,
        handle_signals=True,
        verbose=1,
    ):
        super().__init__()
        ops.expect_counts(max_to_keep=max_to_keep)
        if save_freq != "epoch":
            ops.expect_counts(save_freq=save_freq)
        self.directory = Path(directory)
        self.save_freq = save_freq
        self.max_to_keep = max_to_keep
        # As they will be read.
        self.settings = json.loads(json.dumps(settings or {}))
        self.handle_signals = handle_signals
        self.verbose = verbose
        self.position = START
        self.resumed_from = None
        self._latest = ()
        self._manager = None
        self._signals = None

    def latest(self):
        """The newest whole checkpoint, as `last_checkpoint` returns it.

        It is looked for once; the result is kept until a training begins.
        """
        if self._latest == ():
            self._latest = checkpoint_files.last_checkpoint(self.directory)
        return self._latest

    @contextlib.contextmanager
    def running(self, model, steps_per_epoch, looks=()):
        """Restores the newest checkpoint, and saves within the block.

        Args:
            model: built and compiled `keras.Model`.
            steps_per_epoch: integer.
            looks: functions to call before each save, such as
                `FiniteGradients.look`; they return whether they have reset the
                model's metrics.

        Yields:
            The path of the checkpoint and what was saved beside it, as
            `last_checkpoint` returns them, or None for a new run; `position`
            has the epoch and the step that come next.

        Raises:
            OtherRunError: model, optimizer or settings aren't those of the
                run that is resumed.
        """
        strategy = model.distribute_strategy
        self.run = {
            **self.settings,
            "steps_per_epoch": steps_per_epoch,
            "replicas": strategy.num_replicas_in_sync,
            "workers": distribute.num_workers(strategy),
        }
        self._looks = list(looks)
        with contextlib.ExitStack() as stack:
            self._manager = self._make_manager(model, strategy, stack)
            stack.callback(self._stop)
            resumed, self._latest = self.latest(), ()
            self.position = START
            self.resumed_from = resumed and resumed[0]
            if resumed is not None:
                self._restore(*resumed)
            if self.handle_signals:
                self._signals = stack.enter_context(Signals(strategy))
            yield resumed

    def _make_manager(self, model, strategy, stack):
        ops.expect(
            model.built and getattr(model, "optimizer", None) is not None,
            "a model that is compiled and built, by an Input or a first call",
            model=model.name,
        )
        with strategy.scope():
            variables = model.trainable_variables
            compat.build_optimizer(model.optimizer, variables)
        directory = self.directory
        # All workers take part in saving, but only one may keep what it saves.
        if not distribute.is_chief(strategy):
            folder = tempfile.TemporaryDirectory(ignore_cleanup_errors=True)
            directory = stack.enter_context(folder)
        checkpoint = tf.train.Checkpoint(
            model=model,
            optimizer=model.optimizer,
            random=_random_states(model),
        )
        checkpoint_files.remove_unfinished(directory)
        return tf.train.CheckpointManager(
            checkpoint, str(directory), max_to_keep=self.max_to_keep
        )

    def _restore(self, path, saved):
        for name in (*self.settings, "steps_per_epoch"):
            before, now = saved["run"].get(name), self.run[name]
            if before not in (None, now):
                raise OtherRunError(
                    f"Expected {name}={before}, as in the run that is resumed. "
                    f"Received: {name}={now}"
                )
        try:
            checkpoint = self._manager.checkpoint
            status = checkpoint.restore(path).expect_partial()
            status.assert_existing_objects_matched()
        except (AssertionError, ValueError, tf.errors.OpError) as error:
            raise OtherRunError(
                "Expected the data, model and optimizer of the run that is "
                f"resumed from {path}. Received: {error}"
            ) from error
        self.position = saved["position"]

    def _stop(self):
        self._manager = self._signals = None

    def on_train_begin(self, logs=None):
        """Refuses to be without `resumable_fit`."""
        ops.expect(
            self._manager is not None,
            "resumable_fit with the callback Checkpoints, which fit can't "
            "resume from",
            directory=str(self.directory),
        )

    def on_epoch_begin(self, epoch, logs=None):
        """Forgets where an earlier epoch had been resumed."""
        if epoch != self.position["epoch"]:
            self.position = {**START, "epoch": epoch}
        self._step = self.position["step"]

    def on_train_batch_end(self, batch, logs=None):
        """Saves every so many steps, and before the program ends."""
        # Keras may take several steps at once.
        before, self._step = self._step, batch + 1
        step = self._step
        if step >= self.run["steps_per_epoch"]:
            return  # The end of the epoch follows, and saves.
        number = self._received()
        if number or self._is_due(before, step):
            reset = self._look()
            means = {} if reset else self._means(step)
            self._save({**self.position, "step": step, "means": means})
        self._end(number)

    def on_epoch_end(self, epoch, logs=None):
        """Saves."""
        self._look()
        self._save({**START, "epoch": epoch + 1})
        self._end(self._received())

    def _is_due(self, before, step):
        if self.save_freq == "epoch":
            return False
        return is_due(self.save_freq, before, step)

    def _received(self):
        return self._signals.received() if self._signals else 0

    def _look(self):
        return any([look() for look in self._looks])

    def _means(self, step):
        found = self.model.get_metrics_result()
        found = {name: float(mean) for name, mean in found.items()}
        means = whole_means(self.position, step, found)
        return {k: mean for k, mean in means.items() if math.isfinite(mean)}

    def _save(self, position):
        steps = self.run["steps_per_epoch"]
        number = position["epoch"] * steps + position["step"]
        try:
            path = self._manager.save(checkpoint_number=number)
            contents = {"run": self.run, "position": position}
            checkpoint_files.seal(path, contents)
        except (OSError, tf.errors.OpError) as error:
            checkpoint_files.remove(self._manager.directory, number)
            if isinstance(error, _LOST):
                raise
            raise OSError(
                f"Expected room for a checkpoint in {self.directory}, where "
                f"the last whole ones stay. Received: {error}"
            ) from error

    def _end(self, number):
        if not number:
            return
        if self.verbose and distribute.is_chief(self.model.distribute_strategy):
            print(
                f"{signal.Signals(number).name}: saved, to resume from, in "
                f"{self.directory}",
                file=sys.stderr,
                flush=True,
            )
        sys.exit(128 + number)


def whole_means(position, step, means):
    """The means of a whole epoch's batches, from those since it was resumed.

    Args:
        position: dict, where the epoch was resumed: "step", and the "means"
            until there.
        step: integer, the number of the epoch's steps until now.
        means: dict of names to numbers, means since the position.

    Returns:
        A dict like it. A name that had no mean before keeps its number.
    """
    before, then = position["step"], position["means"]
    return {
        name: (before * then[name] + (step - before) * mean) / step
        if name in then
        else mean
        for name, mean in means.items()
    }


def _random_states(model):
    """Where dropout stands, which isn't among the weights."""
    if compat.IS_KERAS_3:
        weights = {id(weight) for weight in model.weights}
        states = (v for v in model.variables if id(v) not in weights)
        return [state.value for state in states]
    layers = (m for m in model.submodules if hasattr(m, "_random_generator"))
    # Keras 2 hides them from checkpoints, and has no other way to them.
    return [layer._random_generator._generator for layer in layers]
