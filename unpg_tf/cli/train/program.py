"""Trains face embeddings with a margin head and UNPG."""

import contextlib
import functools
import gc
import signal
import sys
import tempfile
from pathlib import Path

import tensorflow as tf
from absl import logging
from tensorflow import keras

from unpg_tf import data
from unpg_tf import models
from unpg_tf.callbacks import Checkpoints
from unpg_tf.callbacks import CSVLog
from unpg_tf.callbacks import FiniteGradients
from unpg_tf.callbacks import ProgbarLog
from unpg_tf.callbacks import ScalarLog
from unpg_tf.callbacks import SkippedCount
from unpg_tf.callbacks import StatisticsCallback
from unpg_tf.callbacks import resumable_fit
from unpg_tf.cli import descriptions
from unpg_tf.cli import failures
from unpg_tf.cli import tensorflow_log
from unpg_tf.cli.train import augmentation
from unpg_tf.cli.train import data as train_data
from unpg_tf.cli.train import machine
from unpg_tf.cli.train import model as train_model
from unpg_tf.cli.train import resuming
from unpg_tf.cli.train.flags import FLAGS
from unpg_tf.files import replaced

# Exit codes of a run that a signal has ended after a checkpoint.
_SIGNALLED = (128 + signal.SIGINT, 128 + signal.SIGTERM)


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
        if end.code in _SIGNALLED and not machine.is_launcher():
            _tell_signal(end.code - 128)
        return end.code
    except FloatingPointError as error:
        return (
            f"unpg train: {error}. See --learning_rate, --warmup_epochs, "
            "--mixed_precision, --on_nan"
        )
    except (ImportError, OSError, ValueError) as error:
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


def _tell_signal(number):
    if machine.is_chief():
        name = signal.Signals(number).name
        line = f"unpg train: {name}: saved, to go on with --resume"
        print(failures.on_a_line(line), file=sys.stderr)


def _train(temporary):
    checkpoints = Checkpoints(
        Path(FLAGS.output_dir, "checkpoints"),
        save_freq=FLAGS.checkpoint_steps or "epoch",
        settings={"batch_size": FLAGS.batch_size},
        verbose=0,
    )
    if not resuming.check(checkpoints):
        done = descriptions.counted(FLAGS.epochs, "epoch")
        machine.say(f"{resuming.model_path()}: trained for {done} already")
        return
    if machine.is_launcher():
        sys.exit(machine.run_local_workers())
    strategy = machine.set_up()
    machine.say(_machine_line(strategy))
    on_bad_image = train_data.on_bad_image()
    training_set = train_data.training_set(on_bad_image)
    verification = train_data.verification()
    steps = len(training_set.labels) // FLAGS.batch_size
    if not steps:
        raise ValueError(
            f"Expected --batch_size of at most the {len(training_set.labels)} "
            f"images. Received: --batch_size={FLAGS.batch_size}"
        )
    with strategy.scope():
        classes = int(training_set.labels.max()) + 1
        checkpoints.settings["classes"] = classes
        model = train_model.compiled_model(classes, steps)
    loss = type(model.loss).__name__
    machine.say(descriptions.of_model(model, loss=loss))
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
    callbacks = [
        keras.callbacks.LambdaCallback(
            on_train_begin=lambda _: _write_flags(output_dir)
        ),
        FiniteGradients(FLAGS.on_nan, batch_of, output_dir / "bad_batches"),
        *verification,
        _statistics(batch_of, output_dir / "tensorboard" / "steps"),
        *([SkippedCount(on_bad_image)] if on_bad_image else []),
        ScalarLog(output_dir / "tensorboard"),
        CSVLog(output_dir / "log.csv"),
        ProgbarLog(),
        checkpoints,
    ]
    with resuming.explained():
        resumable_fit(
            model,
            lambda epoch, step: train_data.read_by_part(
                strategy,
                functools.partial(batches, first_epoch=epoch, first_step=step),
            ),
            epochs=FLAGS.epochs,
            steps_per_epoch=steps,
            callbacks=callbacks,
            verbose=_verbosity(),
        )
    models.save(model, output_dir / "model.keras")
    epochs = descriptions.counted(FLAGS.epochs, "epoch")
    machine.say(f"{resuming.model_path()}: trained for {epochs}")
    machine.say(descriptions.of_files(_written(output_dir), output_dir))


def _machine_line(strategy):
    line = descriptions.of_machine(strategy.num_replicas_in_sync)
    workers = machine.workers()
    return line if workers == 1 else f"{line}, {workers} workers"


def _written(output_dir):
    """What the folder holds now, the model first."""
    names = ["model.keras", "log.csv", "tensorboard", "checkpoints"]
    names += [resuming.FLAGS_FILE, "tensorflow.log"]
    return [
        f"{name}/" if (output_dir / name).is_dir() else name
        for name in names
        if (output_dir / name).exists()
    ]


def _statistics(batch_of, log_dir):
    """The callback of statistics, on a batch that a resumed run has as well."""
    images, labels, _ = batch_of(0)
    every = FLAGS.statistics_steps or None
    log_dir = log_dir if every else None
    return StatisticsCallback(images, labels, every, log_dir)


def _verbosity():
    if not machine.is_chief():
        return 0
    # A line for each epoch where a bar would fill a file.
    return 1 if sys.stdout.isatty() else 2


def _output_dir(temporary):
    path = Path(FLAGS.output_dir)
    # All workers take part in saving, but only one may keep what it saves.
    if not machine.is_chief():
        log = path / f"tensorflow-{machine.worker_name()}.log"
        with contextlib.suppress(OSError):
            path.mkdir(parents=True, exist_ok=True)
            tensorflow_log.keep(log)
        folder = tempfile.TemporaryDirectory(ignore_cleanup_errors=True)
        return Path(temporary.enter_context(folder))
    path.mkdir(parents=True, exist_ok=True)
    tensorflow_log.keep(path / "tensorflow.log")
    return path


def _write_flags(output_dir):
    path = output_dir / resuming.FLAGS_FILE
    lines = [FLAGS[name].serialize() for name in FLAGS if name != "resume"]
    with replaced(path) as temporary:
        temporary.write_text("".join(f"{line}\n" for line in lines if line))


def leave(failure):
    """Ends the process with a message or an exit code; None for success."""
    if failure is None or (isinstance(failure, int) and machine.workers() > 1):
        sys.exit(failure)  # They end together, and part in order.
    # The usual way out would also wait for a worker that is gone.
    if isinstance(failure, str):
        failures.leave(1, failure)
    failures.leave(failure)
