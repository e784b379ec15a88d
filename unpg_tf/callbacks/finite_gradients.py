"""Keeps a training from numbers that have gone bad, and says where."""

import threading
from pathlib import Path

import numpy as np
import tensorflow as tf
from tensorflow import keras

from unpg_tf import compat
from unpg_tf import ops
from unpg_tf.callbacks.due import is_due
from unpg_tf.files import replaced


class FiniteGradients(keras.callbacks.Callback):
    """Applies zeros in place of a step's gradients unless all are finite.

    So no weight is lost to a NaN or an infinity in the loss or in a gradient,
    of any replica. What the forward pass has written in such a step (moving
    statistics of normalisation and of heads) is restored to what it was when
    the callback looked last; it looks every ten steps, since each look waits
    for the device.

    During `fit` it replaces the model's `compute_loss` and its optimizer's
    `apply_gradients`, so that the training step is traced anew. Afterwards
    both are as before; where `fit` ends in an error of another kind they stay
    replaced until the next `fit` with this callback has ended.

    With float16 gradients overflow now and then, and `LossScaleOptimizer` skips
    such steps itself; then the loss and the scale are watched, and a scale
    that has fallen to 1 is reported.

    Args:
        on_nan: `"stop"` to end the training with an error at the first such
            step; `"skip"` to print a message and go on.
        batch_of: function of the number of a step to its batch: a tuple of
            images, labels and, optionally, names of the images. Steps are
            counted from the first of epoch 0. None where the batch can't be
            had again.
        directory: path of the folder where such a batch is saved, as
            `STEP.npz`; needed with `batch_of`.

    Raises:
        ValueError: an argument is none of these.
        FloatingPointError: in `fit`, with `on_nan="stop"`: the loss or a
            gradient isn't finite, or the loss scale has fallen to 1.

    Example:

    >>> finite = unpg_tf.callbacks.FiniteGradients(on_nan="skip")
    >>> model.fit(dataset, callbacks=[finite])
    """

    # Steps between two looks.
    EVERY = 10

    def __init__(self, on_nan="stop", batch_of=None, directory=None):
        super().__init__()
        ops.expect(on_nan in ("stop", "skip"), "stop or skip", on_nan=on_nan)
        ops.expect(
            (batch_of is None) == (directory is None),
            "both batch_of and directory, or none of them",
            batch_of=batch_of,
            directory=directory,
        )
        self.on_nan = on_nan
        self.batch_of = batch_of
        self.directory = directory
        self._scale_told = False

    def on_train_begin(self, logs=None):
        """Puts itself between loss, gradients and optimizer of the model."""
        model = self.model
        _take_out(model)
        self._scaled = compat.loss_scale(model.optimizer) is not None
        # Each replica of this process is a thread, and they take turns.
        self._replica = threading.local()
        with model.distribute_strategy.scope():
            # An optimizer doesn't count all steps: it skips or gathers some.
            self._steps = _counter(0)
            # With -1 for none: the number of the first bad step.
            self._first = _counter(-1)
        self._compute_loss = model.compute_loss
        model.compute_loss = self._note_loss
        self._apply = model.optimizer.apply_gradients
        model.optimizer.apply_gradients = self._apply_finite
        model.make_train_function(force=True)
        self._note()

    def on_train_end(self, logs=None):
        """Gives loss and optimizer back to the model."""
        _take_out(self.model)

    def _note_loss(self, *args, **kwargs):
        self._replica.loss = self._compute_loss(*args, **kwargs)
        return self._replica.loss

    def _apply_finite(self, grads_and_vars, **kwargs):
        pairs = [(g, v) for g, v in grads_and_vars if g is not None]
        watched = [] if self._scaled else [gradient for gradient, _ in pairs]
        # A training step of the user's may have a loss of its own.
        loss = getattr(self._replica, "loss", None)
        good = _good_everywhere([*watched, *([] if loss is None else [loss])])
        step, first = map(tf.convert_to_tensor, (self._steps, self._first))
        self._first.assign(tf.where(good | (first >= 0), first, step))
        self._steps.assign(step + 1)
        pairs = [(_where(good, gradient), v) for gradient, v in pairs]
        return self._apply(pairs, **kwargs)

    def on_epoch_begin(self, epoch, logs=None):
        """Notes the epoch, to count steps from the training's start."""
        self._epoch = epoch

    def on_train_batch_begin(self, batch, logs=None):
        """Counts on from the first step of an epoch."""
        self._batch = batch
        steps = self.params.get("steps")
        if self._epoch is not None and steps:
            self._steps.assign(self._epoch * steps + batch)
        self._epoch = None

    def on_train_batch_end(self, batch, logs=None):
        """Looks, now and then."""
        if is_due(self.EVERY, self._batch, batch + 1):
            self.look()

    def on_epoch_end(self, epoch, logs=None):
        """Looks, before anything is saved."""
        self._look()

    def look(self):
        """Looks within an epoch, as `Checkpoints` does before it saves.

        Returns:
            Bool, whether a step was skipped and the model's metrics, which
            are no numbers any more, were reset.
        """
        found = self._look()
        if found:
            self.model.reset_metrics()
        return found

    def _note(self):
        weights = self.model.non_trainable_weights
        self._state = [tf.convert_to_tensor(w).numpy() for w in weights]

    def _look(self):
        optimizer = self.model.optimizer
        scale = compat.loss_scale(optimizer)
        rate = compat.learning_rate(optimizer)
        if scale is not None:
            self._look_at_scale(scale, rate)
        step = int(self._first.numpy())
        if step < 0:
            self._note()
            return False
        self._first.assign(-1)
        for weight, value in zip(
            self.model.non_trainable_weights, self._state, strict=True
        ):
            weight.assign(value)
        self._tell(
            "a finite loss and finite gradients: a lower learning rate, a "
            f"longer warm-up. Received: others in step {step}, learning rate "
            f"{rate:g}, loss scale {scale or 1:g}{self._save_batch(step)}"
        )
        return True

    def _look_at_scale(self, scale, rate):
        # Keras 2 never goes below 1.
        if scale <= 1.0 and not self._scale_told:
            self._scale_told = True
            step = int(tf.convert_to_tensor(self.model.optimizer.iterations))
            self._tell(
                "a loss scale above 1: a lower learning rate, or bfloat16, "
                f"which needs none. Received: {scale:g} after {step} steps, "
                f"learning rate {rate:g}"
            )

    def _save_batch(self, step):
        if self.batch_of is None:
            return ""
        arrays = ("images", "labels", "names")
        batch = dict(zip(arrays, self.batch_of(step), strict=False))
        path = Path(self.directory, f"{step}.npz")
        with replaced(path) as temporary, temporary.open("wb") as file:
            np.savez_compressed(file, **batch)
        names = ", ".join(batch.get("names", [])[:3])
        names = f", of {names} and so on" if names else ""
        return f"; its batch is in {path}{names}"

    def _tell(self, message):
        if self.on_nan == "stop":
            _take_out(self.model)
            raise FloatingPointError(f"Expected {message}")
        print(f"\nskipped: expected {message}", flush=True)


def _take_out(model):
    """Undoes what a `FiniteGradients` has done to a model, if any has."""
    for owner, name in (
        (model, "compute_loss"),
        (model.optimizer, "apply_gradients"),
    ):
        present = getattr(getattr(owner, name), "__self__", None)
        if isinstance(present, FiniteGradients):
            delattr(owner, name)
            # The step that was traced with it.
            model.train_function = None


def _counter(start):
    return tf.Variable(
        start,
        trainable=False,
        dtype=tf.int64,
        aggregation=tf.VariableAggregation.ONLY_FIRST_REPLICA,
    )


def _good_everywhere(gradients):
    """Whether all gradients, and losses, of all replicas are finite."""
    bad = [
        tf.reduce_any(~tf.math.is_finite(_values(gradient)))
        for gradient in gradients
    ]
    bad = tf.cast(tf.reduce_any(bad), tf.float32)
    replica = tf.distribute.get_replica_context()
    if replica.num_replicas_in_sync > 1:
        bad = replica.all_reduce(tf.distribute.ReduceOp.SUM, bad)
    return bad == 0.0


def _values(gradient):
    sparse = isinstance(gradient, tf.IndexedSlices)
    return gradient.values if sparse else gradient


def _where(good, gradient):
    values = _values(gradient)
    values = tf.where(good, values, tf.zeros_like(values))
    if not isinstance(gradient, tf.IndexedSlices):
        return values
    return tf.IndexedSlices(values, gradient.indices, gradient.dense_shape)
