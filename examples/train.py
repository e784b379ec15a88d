r"""Trains face embeddings with a margin head and UNPG.

Drawn identities, no data at hand, a few minutes on two cores:

    python examples/train.py --output_dir=runs/demo

Faces, LFW's View 1, verified after each epoch on people it hasn't seen:

    python examples/train.py --data=lfw --people=lfw/peopleDevTrain.txt \
        --min_images=2 --pairs=lfw/pairsDevTest.txt \
        --threshold_pairs=lfw/pairsDevTrain.txt --output_dir=runs/lfw

All GPUs of this machine, a larger network, half precision:

    python examples/train.py --data=faces --backbone=ResNet50 \
        --image_size=112 --batch_size=512 --strategy=mirrored \
        --mixed_precision=bfloat16 --output_dir=runs/faces

OUTPUT_DIR gets the trained model.keras, a log.csv with a row per epoch,
tensorboard/, checkpoints/ to --resume from, and flags.txt, which
--flagfile=OUTPUT_DIR/flags.txt reads to run the same again.
"""

import json
import os
import sys
import tempfile
from pathlib import Path

import tensorflow as tf
import train_data
import train_flags
import train_model
from absl import app
from absl import flags
from absl import logging
from tensorflow import keras
from train_callbacks import Checkpoints
from train_callbacks import FiniteLoss
from train_callbacks import ScalarLog
from train_callbacks import csv_log

from unpg_tf import compat
from unpg_tf import data

FLAGS = flags.FLAGS
flags.adopt_module_key_flags(train_flags)


def main(argv):
    """Trains as the flags say; exits with 1 and a message on an error."""
    if len(argv) > 1:
        raise app.UsageError(f"Expected flags only. Received: {argv[1:]}")
    # TensorFlow says a word at INFO for every checkpoint, amid the progress.
    logging.set_verbosity(logging.WARNING)
    try:
        _train()
    except (FloatingPointError, ImportError, OSError, ValueError) as error:
        sys.exit(f"train.py: {error}")


def _train():
    checkpoint = _checkpoint_to_resume()
    strategy = _set_up_machine()
    images, labels = train_data.training_set()
    verification = train_data.verification()
    steps = len(labels) // FLAGS.batch_size
    with strategy.scope():
        model = train_model.compiled_model(int(labels.max()) + 1, steps)
    output_dir = _output_dir()
    checkpoints = Checkpoints(str(output_dir / "checkpoints"))
    first_epoch = _restore(checkpoints, model, checkpoint)
    dataset = data.training_batches(
        images,
        labels,
        FLAGS.batch_size,
        image_size=FLAGS.image_size,
        augment=train_data.augmentation(),
        seed=FLAGS.seed,
        first_epoch=first_epoch,
    )
    _write_flags(output_dir / "flags.txt")
    model.fit(
        dataset,
        epochs=FLAGS.epochs,
        initial_epoch=first_epoch,
        steps_per_epoch=steps,
        shuffle=False,
        # A line for each epoch where a bar would fill a file.
        verbose=1 if sys.stdout.isatty() else 2,
        callbacks=[
            FiniteLoss(),
            *verification,
            ScalarLog(str(output_dir / "tensorboard")),
            csv_log(output_dir / "log.csv", first_epoch),
            checkpoints,
        ],
    )
    _save(model, output_dir / "model.keras")
    print(f"{output_dir / 'model.keras'}: trained for {FLAGS.epochs} epochs")


def _checkpoint_to_resume():
    """The path of the last checkpoint with --resume, else None."""
    if FLAGS.output_dir is None:
        raise ValueError("Expected --output_dir. Received: none")
    checkpoint = tf.train.latest_checkpoint(
        os.path.join(FLAGS.output_dir, "checkpoints")
    )
    if FLAGS.resume and checkpoint is None:
        raise FileNotFoundError(
            "Expected a checkpoint to --resume from. Received: none in "
            f"--output_dir={FLAGS.output_dir}"
        )
    if checkpoint is not None and not FLAGS.resume and _is_chief():
        raise FileExistsError(
            "Expected --resume, or an --output_dir without a run in it. "
            f"Received: --output_dir={FLAGS.output_dir}"
        )
    return checkpoint if FLAGS.resume else None


def _restore(checkpoints, model, checkpoint):
    """Restores the model, if there is a checkpoint; returns the epochs done."""
    checkpoints.set_model(model)
    epochs_done = checkpoints.restore(checkpoint) if checkpoint else 0
    if epochs_done >= FLAGS.epochs:
        raise ValueError(
            f"Expected --epochs above the {epochs_done} that are done. "
            f"Received: --epochs={FLAGS.epochs}"
        )
    return epochs_done


def _set_up_machine():
    """Devices, precision and seeds; returns the strategy."""
    if FLAGS.devices is not None:
        device = tf.config.LogicalDeviceConfiguration()
        tf.config.set_logical_device_configuration(
            tf.config.list_physical_devices("CPU")[0], [device] * FLAGS.devices
        )
    strategy = _strategy()
    if FLAGS.batch_size % strategy.num_replicas_in_sync:
        raise ValueError(
            "Expected --batch_size to be a multiple of the "
            f"{strategy.num_replicas_in_sync} replicas. "
            f"Received: {FLAGS.batch_size}"
        )
    keras.utils.set_random_seed(FLAGS.seed)
    if not compat.IS_KERAS_3:
        # Dropout whose state is a variable, which checkpoints hold.
        keras.backend.experimental.enable_tf_random_generator()
    if FLAGS.mixed_precision != "none":
        policy = f"mixed_{FLAGS.mixed_precision}"
        keras.mixed_precision.set_global_policy(policy)
    return strategy


def _strategy():
    if FLAGS.strategy == "multi_worker":
        return tf.distribute.MultiWorkerMirroredStrategy()
    if FLAGS.strategy == "none":
        return tf.distribute.get_strategy()
    gpus = tf.config.list_logical_devices("GPU")
    devices = gpus or tf.config.list_logical_devices("CPU")
    if FLAGS.jit_compile and not gpus:
        raise ValueError(
            "Expected --nojit_compile with --strategy=mirrored on CPUs, where "
            "TensorFlow can't compile for replicas. Received: --jit_compile"
        )
    return tf.distribute.MirroredStrategy([device.name for device in devices])


def _is_chief():
    """Whether this process is the one that writes: not a second worker."""
    cluster = json.loads(os.environ.get("TF_CONFIG") or "{}")
    task = cluster.get("task", {})
    if FLAGS.strategy != "multi_worker" or task.get("type") == "chief":
        return True
    return "chief" not in cluster["cluster"] and task["index"] == 0


def _output_dir():
    # All workers take part in saving, but only one may keep what it saves.
    if not _is_chief():
        return Path(tempfile.mkdtemp())
    path = Path(FLAGS.output_dir)
    path.mkdir(parents=True, exist_ok=True)
    return path


def _write_flags(path):
    module = FLAGS.get_key_flags_for_module(train_flags)
    lines = [flag.serialize() for flag in module if flag.name != "resume"]
    temporary = path.with_name(path.name + ".tmp")
    temporary.write_text("".join(f"{line}\n" for line in lines if line))
    os.replace(temporary, path)


def _save(model, path):
    # Keras goes by the suffix.
    temporary = path.with_name("unfinished.keras")
    model.save(temporary)
    os.replace(temporary, path)


if __name__ == "__main__":
    app.run(main)
