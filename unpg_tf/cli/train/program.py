"""Trains face embeddings with a margin head and UNPG."""

import contextlib
import functools
import gc
import os
import sys
import tempfile
from pathlib import Path

import tensorflow as tf
from absl import logging
from tensorflow import keras

from unpg_tf import data
from unpg_tf import models
from unpg_tf.callbacks import Checkpoints
from unpg_tf.callbacks import FiniteGradients
from unpg_tf.callbacks import ScalarLog
from unpg_tf.callbacks import StatisticsCallback
from unpg_tf.callbacks import csv_log
from unpg_tf.callbacks import last_checkpoint
from unpg_tf.cli.train import augmentation
from unpg_tf.cli.train import data as train_data
from unpg_tf.cli.train import machine
from unpg_tf.cli.train import model as train_model
from unpg_tf.cli.train.flags import FLAGS
from unpg_tf.files import replaced


def main():
    """Trains as the flags say; ends the process, with 1 on an error."""
    # TensorFlow says a word at INFO for every checkpoint, amid the progress.
    logging.set_verbosity(logging.WARNING)
    failure = _failure()
    if failure is not None:
        sys.exit(failure)
    # Threads of the data set that would be left to read in Python while the
    # interpreter ends would never end, nor let it.
    gc.collect()


def _failure():
    """Trains; returns the message, or the exit code, of what ended it."""
    try:
        with contextlib.ExitStack() as temporary:
            _train(temporary)
        return None
    except SystemExit as end:
        return end.code
    except (FloatingPointError, ImportError, OSError, ValueError) as error:
        return f"unpg train: {error}"
    except tf.errors.InvalidArgumentError as error:
        return f"unpg train: {data.bad_image_message(error)}"
    except tf.errors.OpError as error:
        if machine.workers() == 1:
            raise
        # Keras says first where it was.
        lines = error.message.splitlines()
        told = next(
            (line for line in lines if " aborted by: " in line), lines[0]
        )
        return (
            "unpg train: Expected all workers to answer: start them again, "
            f"with --resume. Received: {told}"
        )


def _train(temporary):
    if machine.is_launcher():
        sys.exit(machine.run_local_workers())
    checkpoint = _checkpoint_to_resume()
    strategy = machine.set_up()
    on_bad_image = train_data.on_bad_image()
    training_set = train_data.training_set(on_bad_image)
    verification = train_data.verification()
    steps = len(training_set.labels) // FLAGS.batch_size
    with strategy.scope():
        classes = int(training_set.labels.max()) + 1
        model = train_model.compiled_model(classes, steps)
    output_dir = _output_dir(temporary)
    options = {
        "batch_size": FLAGS.batch_size,
        "image_size": FLAGS.image_size,
        "augment": augmentation.augmentation(),
        "seed": FLAGS.seed,
        "identities_per_batch": FLAGS.identities_per_batch,
        "on_bad_image": on_bad_image,
    }
    batches = functools.partial(
        data.training_batches,
        training_set.images,
        training_set.labels,
        **options,
    )
    batch_of = functools.partial(
        train_data.batch_of, training_set=training_set, **options
    )
    finite = FiniteGradients(
        output_dir / "bad_batches", batch_of, FLAGS.on_nan == "stop"
    )
    run = {
        "batch_size": FLAGS.batch_size,
        "steps_per_epoch": steps,
        "replicas": strategy.num_replicas_in_sync,
        "workers": machine.workers(),
    }
    checkpoints = Checkpoints(
        output_dir / "checkpoints",
        run,
        FLAGS.checkpoint_steps,
        machine.signals_agreed(strategy),
        finite.look,
    )
    checkpoints.set_model(model)
    if checkpoint:
        _restore(checkpoints, *checkpoint)
    _write_flags(output_dir / "flags.txt")
    position = checkpoints.position
    with strategy.scope():
        finite.watch(model, position["epoch"] * steps + position["step"])
    callbacks = [
        finite,
        keras.callbacks.LambdaCallback(
            on_epoch_end=lambda epoch, logs: logs.update(
                checkpoints.means(steps)
            )
        ),
        *verification,
        _statistics(batch_of, output_dir / "tensorboard" / "steps"),
        *(
            [train_data.SkippedCount(on_bad_image, strategy)]
            if on_bad_image
            else []
        ),
        ScalarLog(str(output_dir / "tensorboard")),
        csv_log(output_dir / "log.csv", position["epoch"]),
        checkpoints,
    ]
    for epoch, step, last in _stretches(position):
        model.fit(
            train_data.read_by_part(
                strategy,
                functools.partial(batches, first_epoch=epoch, first_step=step),
            ),
            initial_epoch=epoch,
            epochs=last,
            steps_per_epoch=steps - step,
            shuffle=False,
            verbose=_verbosity(),
            callbacks=callbacks,
        )
    models.save(model, output_dir / "model.keras")
    if machine.is_chief():
        print(f"{_model_path()}: trained for {FLAGS.epochs} epochs")


def _statistics(batch_of, log_dir):
    """The callback of statistics, on a batch that a resumed run has as well."""
    images, labels, _ = batch_of(0)
    every = FLAGS.statistics_steps or None
    log_dir = log_dir if every else None
    return StatisticsCallback(images, labels, every, log_dir)


def _stretches(position):
    """First epoch, first step in it, and last epoch of each call of `fit`.

    An epoch that is resumed in its midst has fewer steps than the others.
    """
    epoch, step = position["epoch"], position["step"]
    if step:
        yield epoch, step, epoch + 1
        epoch += 1
    if epoch < FLAGS.epochs:
        yield epoch, 0, FLAGS.epochs


def _verbosity():
    if not machine.is_chief():
        return 0
    # A line for each epoch where a bar would fill a file.
    return 1 if sys.stdout.isatty() else 2


def _checkpoint_to_resume():
    """The last whole checkpoint with --resume, else None."""
    directory = Path(FLAGS.output_dir, "checkpoints")
    checkpoint = last_checkpoint(directory)
    if FLAGS.resume and checkpoint is None:
        raise FileNotFoundError(
            "Expected a checkpoint to --resume from. Received: none in "
            f"--output_dir={FLAGS.output_dir}"
        )
    if checkpoint and not FLAGS.resume and machine.is_chief():
        raise FileExistsError(
            "Expected --resume, or an --output_dir without a run in it. "
            f"Received: --output_dir={FLAGS.output_dir}"
        )
    return checkpoint if FLAGS.resume else None


def _restore(checkpoints, path, saved):
    """Goes back to a checkpoint, and says what has changed since."""
    for name in ("batch_size", "steps_per_epoch"):
        if saved["run"][name] != checkpoints.run[name]:
            raise ValueError(
                f"Expected {name}={saved['run'][name]}, as in the run that is "
                f"resumed. Received: {name}={checkpoints.run[name]}"
            )
    position = saved["position"]
    epochs_done = position["epoch"]
    checkpoints.restore(path, position)
    if epochs_done >= FLAGS.epochs and _is_exported(path):
        raise ValueError(
            f"Expected --epochs above the {epochs_done} that are done. "
            f"Received: --epochs={FLAGS.epochs}"
        )
    print(f"{path}: going on after {epochs_done} epochs", end="")
    print(f" and {position['step']} steps" if position["step"] else "")
    for name in ("replicas", "workers"):
        before, now = saved["run"][name], checkpoints.run[name]
        if before != now:
            print(f"{name}: {now}; the run that is resumed had {before}")


def _is_exported(checkpoint):
    """Whether model.keras is of that checkpoint, and not of one before."""
    model, index = _model_path(), Path(f"{checkpoint}.index")
    return model.exists() and model.stat().st_mtime >= index.stat().st_mtime


def _model_path():
    return Path(FLAGS.output_dir, "model.keras")


def _output_dir(temporary):
    # All workers take part in saving, but only one may keep what it saves.
    if not machine.is_chief():
        folder = tempfile.TemporaryDirectory(ignore_cleanup_errors=True)
        return Path(temporary.enter_context(folder))
    path = Path(FLAGS.output_dir)
    path.mkdir(parents=True, exist_ok=True)
    return path


def _write_flags(path):
    lines = [FLAGS[name].serialize() for name in FLAGS if name != "resume"]
    with replaced(path) as temporary:
        temporary.write_text("".join(f"{line}\n" for line in lines if line))


def leave(failure):
    """Ends the process with a message or an exit code; None for success."""
    if failure is None or (isinstance(failure, int) and machine.workers() > 1):
        sys.exit(failure)  # They end together, and part in order.
    if isinstance(failure, str):
        print(failure, file=sys.stderr)
        failure = 1
    sys.stdout.flush()
    sys.stderr.flush()
    # The usual way out would wait for a worker that is gone, and takes
    # TensorFlow down while its threads are amid a step.
    os._exit(failure)
