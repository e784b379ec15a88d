"""`fit` that goes on where a checkpoint was saved, also within an epoch."""

import numbers

import tensorflow as tf
from tensorflow import keras

from unpg_tf import ops
from unpg_tf.callbacks.checkpoints import Checkpoints
from unpg_tf.callbacks.checkpoints import whole_means
from unpg_tf.callbacks.finite_gradients import FiniteGradients


def resumable_fit(
    model,
    batches,
    *,
    epochs=1,
    steps_per_epoch=None,
    callbacks=None,
    verbose="auto",
    **kwargs,
):
    """Calls `model.fit`, and resumes from the last checkpoint if there is one.

    The same call starts a run and, after an interruption, resumes it: the
    `Checkpoints` among the callbacks restores weights, optimizer and random
    state, and the batches go on after those that the checkpoint has seen. All
    callbacks, and what Keras prints, count epochs and steps as in a run that
    wasn't interrupted. The metrics of a resumed epoch are those of the whole
    epoch, averaged over its batches. A run that has done all epochs is left
    as it is; raise `epochs` to train it further.

    Callbacks with a state of their own, such as `EarlyStopping`, start anew
    with a resumed run.

    Args:
        model: `keras.Model`, compiled and built.
        batches: function of an epoch and a step within it, integers from 0, to
            a dataset of all batches from there to the end of the last epoch,
            or without end, such as `unpg_tf.data.training_batches` gives; with
            several workers it may be a distributed one. Or a
            `tf.data.Dataset` of one epoch, which is repeated; if it shuffles
            by itself, a resumed run sees another order.
        epochs: integer, as in `fit`: the number of epochs of the whole run.
        steps_per_epoch: integer; may be left out where `batches` is a dataset
            of known cardinality.
        callbacks: list of callbacks, with one `Checkpoints`, which is called
            after the others, wherever it stands.
        verbose: as in `fit`.
        **kwargs: further arguments of `fit`, such as `validation_data`.

    Returns:
        The `History` of `fit`, of the epochs trained by this call.

    Raises:
        ValueError: there isn't one `Checkpoints`; the model isn't compiled and
            built, or isn't that of the checkpoint; or the batches end early.
        OSError: a checkpoint can't be written.
        SystemExit: SIGTERM or SIGINT came, and a checkpoint is saved; see
            `Checkpoints`.

    Example:

    >>> def batches(epoch, step):
    ...     return unpg_tf.data.training_batches(
    ...         images, labels, 64, first_epoch=epoch, first_step=step
    ...     )
    >>> unpg_tf.callbacks.resumable_fit(
    ...     model,
    ...     batches,
    ...     epochs=20,
    ...     steps_per_epoch=len(images) // 64,
    ...     callbacks=[
    ...         unpg_tf.callbacks.Checkpoints("runs/a/checkpoints"),
    ...         unpg_tf.callbacks.CSVLog("runs/a/log.csv"),
    ...     ],
    ... )
    """
    ops.expect_counts(epochs=epochs)
    checkpoints, others = _apart(callbacks)
    steps = _steps_per_epoch(steps_per_epoch, batches)
    verbose = 1 if verbose == "auto" else verbose
    looks = [c.look for c in others if isinstance(c, FiniteGradients)]
    with checkpoints.running(model, steps, looks) as resumed:
        if resumed and verbose:
            _tell(*resumed, checkpoints.run)
        hooks = _Hooks(
            [*others, checkpoints],
            add_history=True,
            add_progbar=verbose != 0,
            model=model,
            verbose=verbose,
            epochs=epochs,
            steps=steps,
        )

        def fit(epoch, step, last):
            dataset = _from(batches, min(epoch, epochs - 1), step)
            _check_length(dataset, (last - epoch) * steps - step)
            hooks.step = step
            model.fit(
                dataset,
                initial_epoch=epoch,
                epochs=last,
                steps_per_epoch=steps - step,
                shuffle=False,
                verbose=verbose,
                callbacks=hooks,
                **kwargs,
            )

        _fit_stretches(fit, hooks, checkpoints.position, epochs)
    return model.history


def _fit_stretches(fit, hooks, position, epochs):
    """Calls `fit` for the rest of an epoch, if any, and for what follows."""
    epoch, step = position["epoch"], position["step"]
    if step and epoch < epochs:
        hooks.means = position["means"]
        try:
            fit(epoch, step, epoch + 1)
        except _EndOfResumedEpoch:
            epoch = epochs if hooks.model.stop_training else epoch + 1
    # Without an epoch left it ends the training, as `fit` does.
    fit(min(epoch, epochs), 0, epochs)


class _EndOfResumedEpoch(Exception):
    """Leaves `fit` before it would end the training.

    Its end would give the weights their averages where the optimizer has
    `use_ema`, and call `on_train_end`.
    """


class _Hooks(keras.callbacks.CallbackList):
    """Callbacks that see a resumed epoch as one that wasn't interrupted.

    Attributes:
        step: integer, where in its epoch the present call of `fit` began.
        means: dict, the metrics' means until there.
    """

    step = 0
    means = {}
    _has_begun = False

    def on_train_begin(self, logs=None):
        """Calls the callbacks once for all calls of `fit`."""
        if not self._has_begun:
            super().on_train_begin(logs)
        self._has_begun = True

    def on_train_batch_begin(self, batch, logs=None):
        super().on_train_batch_begin(self.step + batch, logs)

    def on_train_batch_end(self, batch, logs=None):
        batch = self.step + batch
        super().on_train_batch_end(batch, self._whole(batch + 1, logs))

    def on_epoch_end(self, epoch, logs=None):
        super().on_epoch_end(epoch, self._whole(self.params["steps"], logs))
        if self.step:
            raise _EndOfResumedEpoch

    def _whole(self, step, logs):
        if not self.step or not logs:
            return logs
        position = {"step": self.step, "means": self.means}
        return whole_means(position, step, logs)


def _apart(callbacks):
    callbacks = tf.nest.flatten(callbacks or [])
    found = [c for c in callbacks if isinstance(c, Checkpoints)]
    ops.expect(len(found) == 1, "one Checkpoints in callbacks", found=found)
    return found[0], [c for c in callbacks if c is not found[0]]


def _steps_per_epoch(steps, batches):
    if steps is None and isinstance(batches, tf.data.Dataset):
        steps = max(0, int(batches.cardinality())) or None
    ops.expect(
        isinstance(steps, numbers.Integral) and steps > 0,
        "steps_per_epoch, an integer above 0, unless batches is a dataset of "
        "known cardinality",
        steps_per_epoch=steps,
    )
    return int(steps)


def _from(batches, epoch, step):
    if not isinstance(batches, tf.data.Dataset):
        return batches(epoch, step)
    return batches.skip(step) if step else batches.repeat()


def _check_length(dataset, expected):
    if isinstance(dataset, tf.data.Dataset):
        length = int(dataset.cardinality())
        ops.expect(
            length < 0 or length >= expected,
            f"a dataset of all {expected} batches to the end of the last epoch",
            cardinality=length,
        )


def _tell(path, saved, run):
    """Prints where a run goes on, and on what else than before."""
    position = saved["position"]
    print(f"{path}: going on after {position['epoch']} epochs", end="")
    print(f" and {position['step']} steps" if position["step"] else "")
    for name in ("replicas", "workers"):
        before, now = saved["run"].get(name), run[name]
        if before not in (None, now):
            print(f"{name}: {now}; the run that is resumed had {before}")
