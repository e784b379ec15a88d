"""The images that train.py trains on, and the pairs that it verifies."""

import tensorflow as tf
from absl import flags
from tensorflow import keras

from unpg_tf import data
from unpg_tf import evaluation

FLAGS = flags.FLAGS
SYNTHETIC_PAIRS = 400


def training_set(on_bad_image):
    """Images (a source, or pixels where they are in memory) and labels."""
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
    images, labels, names = data.open_images(
        FLAGS.data, people, FLAGS.min_images, _excluded()
    )
    print(f"{FLAGS.data}: {len(images)} images of {len(names)} identities")
    if not FLAGS.cache:
        return images, labels
    print("Decoding them into memory", flush=True)
    pixels, rows = data.load_readable(images, FLAGS.image_size, on_bad_image)
    return pixels, labels[rows]


def on_bad_image():
    """What takes note of images that can't be read; None stops at one."""
    return None if FLAGS.on_bad_image == "stop" else data.SkippedImages()


class SkippedCount(keras.callbacks.Callback):
    """Logs how many images have been skipped so far.

    Args:
        skipped: `SkippedImages`.
    """

    def __init__(self, skipped):
        super().__init__()
        self.skipped = skipped

    def on_epoch_end(self, epoch, logs=None):
        """Adds the number to the logs, for the callbacks that follow."""
        logs["skipped_images"] = float(len(self.skipped.messages))


def reading_error(error):
    """What to say about the `tf.errors.OpError` that a training ended in."""
    if not isinstance(error, tf.errors.DataLossError):
        return data.bad_image_message(error)
    try:
        data.ImageShards(FLAGS.data).verify()
    except ValueError as damage:
        return str(damage)
    return error.message


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
        return [evaluation.VerificationCallback(pairs)]
    if FLAGS.pairs is None:
        return []
    pairs, threshold_pairs = (
        evaluation.read_pairs(path, FLAGS.data) if path else None
        for path in (FLAGS.pairs, FLAGS.threshold_pairs)
    )
    return [evaluation.VerificationCallback(pairs, threshold_pairs)]
