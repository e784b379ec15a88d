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
import train_flags
from absl import app
from absl import flags
from absl import logging
from tensorflow import keras
from train_callbacks import Checkpoints
from train_callbacks import ScalarLog
from train_callbacks import trim_csv_log

from unpg_tf import backbones
from unpg_tf import data
from unpg_tf import evaluation
from unpg_tf import layers
from unpg_tf import losses
from unpg_tf import models

FLAGS = flags.FLAGS
flags.adopt_module_key_flags(train_flags)
# TensorFlow says a word at INFO for every checkpoint, between progress bars.
FLAGS.set_default("verbosity", logging.WARNING)

HEADS = {
    "cosface": layers.CosFace,
    "arcface": layers.ArcFace,
    "combined": layers.CombinedMargin,
    "sphereface": layers.SphereFace,
    "magface": layers.MagFace,
    "adaface": layers.AdaFace,
    "curricularface": layers.CurricularFace,
    "elasticface": layers.ElasticFace,
}
LOSSES = {"unpg": losses.UNPGLoss, "margin": losses.MarginLoss}
SYNTHETIC_PAIRS = 400
# Names of the variables of biases and normalisation.
NOT_DECAYED = ["bias", "gamma", "beta"]


def main(argv):
    """Trains as the flags say; exits with 1 and a message on an error."""
    if len(argv) > 1:
        raise app.UsageError(f"Expected flags only. Received: {argv[1:]}")
    try:
        _train()
    except (ImportError, OSError, ValueError) as error:
        sys.exit(f"train.py: {error}")


def _train():
    checkpoint = _checkpoint_to_resume()
    strategy = _set_up_machine()
    images, labels = _training_set()
    verification = _verification()
    steps = len(labels) // FLAGS.batch_size
    with strategy.scope():
        model = _model(int(labels.max()) + 1, steps)
    output_dir = _output_dir(strategy)
    checkpoints = Checkpoints(str(output_dir / "checkpoints"))
    checkpoints.set_model(model)
    epochs_done = checkpoints.restore(checkpoint) if checkpoint else 0
    if epochs_done >= FLAGS.epochs:
        raise ValueError(
            f"Expected --epochs above the {epochs_done} that are done. "
            f"Received: --epochs={FLAGS.epochs}"
        )
    trim_csv_log(output_dir / "log.csv", epochs_done)
    dataset = data.training_batches(
        images,
        labels,
        FLAGS.batch_size,
        image_size=FLAGS.image_size,
        augment=_augmentation(),
        seed=FLAGS.seed,
        first_epoch=epochs_done,
    )
    _write_flags(output_dir / "flags.txt")
    log = str(output_dir / "log.csv")
    model.fit(
        dataset,
        epochs=FLAGS.epochs,
        initial_epoch=epochs_done,
        steps_per_epoch=steps,
        shuffle=False,
        # A line for each epoch where a bar would fill a file.
        verbose=1 if sys.stdout.isatty() else 2,
        callbacks=[
            *verification,
            ScalarLog(str(output_dir / "tensorboard")),
            keras.callbacks.CSVLogger(log, append=epochs_done > 0),
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


def _set_up_machine():
    """Devices, precision and seeds; returns the strategy."""
    if FLAGS.devices is not None:
        device = tf.config.LogicalDeviceConfiguration()
        tf.config.set_logical_device_configuration(
            tf.config.list_physical_devices("CPU")[0], [device] * FLAGS.devices
        )
    strategy = _strategy()
    if FLAGS.batch_size < strategy.num_replicas_in_sync:
        raise ValueError(
            f"Expected --batch_size of at least {strategy.num_replicas_in_sync}"
            f", one image for each replica. Received: {FLAGS.batch_size}"
        )
    keras.utils.set_random_seed(FLAGS.seed)
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


def _training_set():
    """Images (paths, or pixels where they are in memory) and labels."""
    if FLAGS.data == "synthetic":
        count = FLAGS.synthetic_identities * FLAGS.synthetic_images
        print(f"Drawing {count} images", flush=True)
        return data.labelled_images(
            FLAGS.synthetic_identities,
            FLAGS.synthetic_images,
            FLAGS.image_size,
            strengths=_strengths(),
        )
    people = data.read_people(FLAGS.people) if FLAGS.people else None
    paths, labels, names = data.read_folder(
        FLAGS.data, people, FLAGS.min_images
    )
    print(f"{FLAGS.data}: {len(paths)} images of {len(names)} identities")
    if not FLAGS.cache:
        return paths, labels
    print("Decoding them into memory", flush=True)
    return data.load_images(paths, FLAGS.image_size), labels


def _strengths():
    names = data.Strengths._fields
    return data.Strengths(*(FLAGS[f"synthetic_{name}"].value for name in names))


def _augmentation():
    return data.Augmentation(
        flip=FLAGS.flip,
        crop=FLAGS.crop,
        brightness=FLAGS.brightness,
        contrast=FLAGS.contrast,
        saturation=FLAGS.saturation,
    )


def _verification():
    """The callback that verifies after each epoch, if there are pairs."""
    if FLAGS.data == "synthetic":
        pairs = evaluation.synthetic_pairs(
            SYNTHETIC_PAIRS, FLAGS.image_size, strengths=_strengths()
        )
        return [evaluation.VerificationCallback(pairs)]
    if FLAGS.pairs is None:
        return []
    pairs, threshold_pairs = (
        evaluation.read_pairs(path, FLAGS.data) if path else None
        for path in (FLAGS.pairs, FLAGS.threshold_pairs)
    )
    return [evaluation.VerificationCallback(pairs, threshold_pairs)]


def _model(num_classes, steps):
    """The compiled model, with all variables."""
    backbone = backbones.build(
        FLAGS.backbone, FLAGS.image_size, FLAGS.embedding_dim
    )
    margin = {} if FLAGS.margin is None else {"margin": FLAGS.margin}
    head = _construct(
        HEADS[FLAGS.head],
        "head_option",
        num_classes=num_classes,
        **margin,
    )
    whisker = {"whisker": FLAGS.whisker} if FLAGS.loss == "unpg" else {}
    loss = _construct(
        LOSSES[FLAGS.loss],
        "loss_option",
        scale=FLAGS.scale,
        embedding_dim=FLAGS.embedding_dim,
        **whisker,
    )
    model = models.EmbeddingModel(backbone, head)
    model.compile(
        _optimizer(steps),
        loss,
        metrics=["accuracy"],
        jit_compile=FLAGS.jit_compile,
    )
    # Checkpoints are restored into variables, not into promises of them.
    model.optimizer.build(model.trainable_variables)
    return model


def _construct(constructor, flag, **arguments):
    """Calls it with the arguments, and those of a NAME=VALUE flag."""
    for option in FLAGS[flag].value:
        name, _, value = option.partition("=")
        try:
            arguments[name] = json.loads(value)
        except json.JSONDecodeError:
            arguments[name] = value
    try:
        return constructor(**arguments)
    except TypeError as error:
        raise ValueError(
            f"Expected arguments of {constructor.__name__}. "
            f"Received: {arguments}: {error}"
        ) from error


def _optimizer(steps):
    warmup = round(FLAGS.warmup_epochs * steps)
    schedule = keras.optimizers.schedules.CosineDecay(
        0.0 if warmup else FLAGS.learning_rate,
        max(1, FLAGS.epochs * steps - warmup),
        warmup_target=FLAGS.learning_rate if warmup else None,
        warmup_steps=warmup,
    )
    decay = FLAGS.weight_decay
    if FLAGS.optimizer == "adamw":
        optimizer = keras.optimizers.AdamW(schedule, weight_decay=decay)
    else:
        optimizer = keras.optimizers.SGD(
            schedule, momentum=0.9, weight_decay=decay
        )
    optimizer.exclude_from_weight_decay(var_names=NOT_DECAYED)
    return optimizer


def _is_chief():
    """Whether this process is the one that writes: not a second worker."""
    cluster = json.loads(os.environ.get("TF_CONFIG") or "{}")
    task = cluster.get("task", {})
    if FLAGS.strategy != "multi_worker" or task.get("type") == "chief":
        return True
    return "chief" not in cluster["cluster"] and task["index"] == 0


def _output_dir(strategy):
    # All workers take part in saving, but only one may keep what it saves.
    if not _is_chief():
        return Path(tempfile.mkdtemp())
    path = Path(FLAGS.output_dir)
    path.mkdir(parents=True, exist_ok=True)
    return path


def _write_flags(path):
    module = FLAGS.flags_by_module_dict()[train_flags.__name__]
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
