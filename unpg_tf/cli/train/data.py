"""The images that unpg train trains on, and the pairs that it verifies."""

import functools
import importlib.util
from collections.abc import Callable
from pathlib import Path
from typing import Any
from typing import NamedTuple

import numpy as np
import tensorflow as tf

from unpg_tf import callbacks
from unpg_tf import data
from unpg_tf import evaluation
from unpg_tf.cli import descriptions
from unpg_tf.cli.train import machine
from unpg_tf.cli.train.flags import FLAGS

SYNTHETIC_PAIRS = 400


class TrainingSet(NamedTuple):
    """What unpg train trains on.

    Attributes:
        images: a source, or pixels where they are in memory.
        labels: [n] int32 array.
        where: function of a row to what names its image.
    """

    images: Any
    labels: np.ndarray
    where: Callable


def training_set(on_bad_image):
    """The `TrainingSet` that the flags ask for."""
    if FLAGS.data == "synthetic":
        _check_no_choice()
        count = FLAGS.synthetic_identities * FLAGS.synthetic_images
        machine.say(
            descriptions.of_data("synthetic", count, FLAGS.synthetic_identities)
        )
        made = data.labelled_images(
            FLAGS.synthetic_identities,
            FLAGS.synthetic_images,
            FLAGS.image_size,
            strengths=_strengths(),
            progress=machine.progress("Making them", count),
        )
        return TrainingSet(*made, "synthetic image {}".format)
    people = data.read_people(FLAGS.people) if FLAGS.people else None
    left_out, unaligned = [], []
    images, labels, names = data.open_images(
        FLAGS.data,
        people,
        FLAGS.min_images,
        _excluded(),
        on_bad_image,
        left_out.append,
        machine.progress(f"Listing {FLAGS.data}", unit="entry"),
        unaligned.append,
    )
    if on_bad_image and on_bad_image.messages:
        bad = descriptions.counted(len(on_bad_image.messages), "image")
        left_out.append(f"{bad} that can't be read")
    machine.say(
        descriptions.of_data(FLAGS.data, len(images), len(names), left_out)
    )
    for message in unaligned:
        machine.say(f"{FLAGS.data}: {message}")
    where = images.__getitem__ if isinstance(images, list) else images.where
    if not FLAGS.cache:
        return TrainingSet(images, labels, where)
    pixels, rows = data.load_readable(
        images,
        FLAGS.image_size,
        on_bad_image,
        machine.progress("Decoding them into memory", len(images)),
    )
    if len(rows) < len(images):
        bad = descriptions.counted(len(images) - len(rows), "image")
        machine.say(f"{bad} left out that can't be read")
    return TrainingSet(pixels, labels[rows], lambda row: where(rows[row]))


def _check_no_choice():
    for name in ("people", "exclude_people", "min_images"):
        if FLAGS[name].value != FLAGS[name].default:
            raise ValueError(
                f"Expected --{name} with --data of files. "
                f"Received: --{name}={FLAGS[name].value} with --data=synthetic"
            )


def batch_of(step, training_set, **options):
    """Images, labels and names of a batch of the training.

    Args:
        step: integer, counted from the training's start.
        training_set: `TrainingSet`.
        **options: Arguments of `data.training_batches`.
    """
    images, labels, where = training_set
    rows = np.arange(len(labels))

    def first(images, labels, **changes):
        return _first_batch(
            functools.partial(
                data.training_batches,
                images,
                labels,
                first_step=step,
                **{**options, **changes},
            )
        )

    if FLAGS.identities_per_batch is None:
        # In place of the labels, on which the order doesn't depend.
        pixels, rows = first(images, rows)
    else:
        pixels, _ = first(images, labels)
        rows, _ = first(rows, labels, augment=None)
    return pixels, labels[rows], [str(where(row)) for row in rows]


def on_bad_image():
    """What takes note of images that can't be read; None stops at one."""
    return None if FLAGS.on_bad_image == "stop" else data.SkippedImages()


def read_by_part(strategy, batches):
    """Lets each of several workers read and decode its own part alone.

    Args:
        strategy: `tf.distribute.Strategy`.
        batches: function of a context, or of none, to a dataset, such as
            `data.training_batches` with its other arguments.

    Returns:
        What `fit` takes.
    """
    if machine.workers() == 1:
        return batches()
    return strategy.distribute_datasets_from_function(
        lambda context: batches(context=context)
    )


def _first_batch(batches):
    """Images and labels of the first global batch, the parts of all workers.

    Args:
        batches: as in `read_by_part`.

    Returns:
        A list of two arrays.
    """
    count = machine.workers()
    parts = []
    for index in range(count):
        context = tf.distribute.InputContext(count, index, count)
        parts.append(next(batches(context=context).as_numpy_iterator()))
    return [np.concatenate(part) for part in zip(*parts, strict=True)]


def _excluded():
    path = FLAGS.exclude_people
    return [] if path is None else data.read_names(path)


def _strengths():
    names = data.Strengths._fields
    return data.Strengths(*(FLAGS[f"synthetic_{name}"].value for name in names))


def verification():
    """The callback that verifies after each epoch, if there are pairs."""
    if FLAGS.data == "synthetic":
        pairs = evaluation.synthetic_pairs(
            SYNTHETIC_PAIRS, FLAGS.image_size, strengths=_strengths()
        )
        return [callbacks.VerificationCallback(pairs, log_dir=_log_dir())]
    if FLAGS.pairs is None:
        return []
    pairs, threshold_pairs = (
        evaluation.read_pairs(path, FLAGS.data) if path else None
        for path in (FLAGS.pairs, FLAGS.threshold_pairs)
    )
    return [
        callbacks.VerificationCallback(
            pairs, threshold_pairs, log_dir=_log_dir()
        )
    ]


def _log_dir():
    """Where TensorBoard gets the verification's curves; None for nowhere."""
    if not machine.is_chief():
        return None
    if importlib.util.find_spec("matplotlib") is None:
        print('No ROC curves for TensorBoard: pip install "unpg-tf[plots]"')
        return None
    return Path(FLAGS.output_dir, "tensorboard", "verification")
