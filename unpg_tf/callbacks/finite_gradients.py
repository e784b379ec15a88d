"""Keeps a training from numbers that have gone bad, and says where."""

import threading
from pathlib import Path

import numpy as np
import tensorflow as tf
from tensorflow import keras

from unpg_tf import compat
from unpg_tf.files import replaced


class FiniteGradients(keras.callbacks.Callback):
    """Takes a step's gradients for zero unless they and the loss are finite.

    So no weight is lost. What the forward pass has written (the statistics of
    normalisation and of heads) is put back to where it was at the last look.
    The batch is saved as OUTPUT_DIR/bad_batches/STEP.npz.

    With half precision's loss scale gradients overflow now and then, and the
    optimizer itself leaves such steps out; then the loss and the scale are
    watched.

    Args:
        directory: path, where batches are saved.
        batch_of: function of a step, counted from the training's start, to
            its images, labels and the names of the images' files.
        stop: bool, whether to end the training then.
    """

    # Steps between two looks, each of which waits for the device.
    EVERY = 10

    def __init__(self, directory, batch_of, stop):
        super().__init__()
        self.directory = Path(directory)
        self.batch_of = batch_of
        self.stop = stop
        self._scale_told = False

    def watch(self, model, steps_done=0):
        """Puts itself between loss, gradients and optimizer of a model."""
        # An optimizer doesn't count all steps: some it leaves out or gathers.
        self.steps = _counter(steps_done)
        # With -1 for none: the number of the first bad step.
        self.first = _counter(-1)
        self._scaled = compat.loss_scale(model.optimizer) is not None
        # Each replica of this process is a thread, and they take turns.
        self._step = threading.local()
        self._compute_loss = model.compute_loss
        model.compute_loss = self._note_loss
        self._apply = model.optimizer.apply_gradients
        model.optimizer.apply_gradients = self._apply_finite

    def _note_loss(self, *args, **kwargs):
        self._step.loss = self._compute_loss(*args, **kwargs)
        return self._step.loss

    def _apply_finite(self, grads_and_vars, **kwargs):
        pairs = [(g, v) for g, v in grads_and_vars if g is not None]
        gradients = [] if self._scaled else [gradient for gradient, _ in pairs]
        good = _good_everywhere([self._step.loss, *gradients])
        step, first = map(tf.convert_to_tensor, (self.steps, self.first))
        self.first.assign(tf.where(good | (first >= 0), first, step))
        self.steps.assign(step + 1)
        pairs = [(_where(good, gradient), v) for gradient, v in pairs]
        return self._apply(pairs, **kwargs)

    def on_train_begin(self, logs=None):
        """Notes the state of the forward pass."""
        self._note()

    def _note(self):
        weights = self.model.non_trainable_weights
        self.state = [tf.convert_to_tensor(w).numpy() for w in weights]

    def on_train_batch_end(self, batch, logs=None):
        """Looks, now and then."""
        if (batch + 1) % self.EVERY == 0:
            self.look()

    def on_epoch_end(self, epoch, logs=None):
        """Looks, before anything is saved."""
        self._look()

    def look(self):
        """Looks within an epoch, as has to be done before a save."""
        if self._look():
            # The means of this epoch are no numbers any more.
            self.model.reset_metrics()

    def _look(self):
        optimizer = self.model.optimizer
        scale = compat.loss_scale(optimizer)
        rate = float(tf.convert_to_tensor(optimizer.learning_rate))
        if scale is not None:
            self._look_at_scale(scale, rate)
        step = int(self.first.numpy())
        if step < 0:
            self._note()
            return False
        self.first.assign(-1)
        for weight, value in zip(
            self.model.non_trainable_weights, self.state, strict=True
        ):
            weight.assign(value)
        self._tell(
            "a finite loss and finite gradients: a lower --learning_rate, a "
            f"longer --warmup_epochs. Received: others in step {step}, "
            f"learning rate {rate:g}, loss scale {scale or 1:g}; its batch is "
            f"in {self._save_batch(step)}"
        )
        return True

    def _look_at_scale(self, scale, rate):
        # Keras 2 never goes below 1.
        if scale <= 1.0 and not self._scale_told:
            self._scale_told = True
            step = int(tf.convert_to_tensor(self.model.optimizer.iterations))
            self._tell(
                "a loss scale above 1: a lower --learning_rate, or "
                f"--mixed_precision=bfloat16. Received: {scale:g} after "
                f"{step} steps, learning rate {rate:g}"
            )

    def _save_batch(self, step):
        images, labels, names = self.batch_of(step)
        path = self.directory / f"{step}.npz"
        with replaced(path) as temporary, temporary.open("wb") as file:
            np.savez_compressed(file, images=images, labels=labels, names=names)
        return f"{path}, of {', '.join(names[:3])} and so on"

    def _tell(self, message):
        if self.stop:
            raise FloatingPointError(f"Expected {message}")
        print(f"\nskipped: expected {message}", flush=True)


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
