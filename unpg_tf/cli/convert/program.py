"""Writes training images to TFRecord shards."""

from tensorflow import keras

from unpg_tf import data
from unpg_tf.cli import failures
from unpg_tf.cli.convert.flags import FLAGS


def main():
    """Converts as the flags say; exits with 1 and a message on an error."""
    with failures.told_by("unpg convert"):
        _convert()


def _convert():
    people = data.read_people(FLAGS.people) if FLAGS.people else None
    path = FLAGS.exclude_people
    exclude = [] if path is None else data.read_names(path)
    skipped = data.SkippedImages()
    on_bad_image = skipped if FLAGS.on_bad_image == "skip" else None
    images, labels, names = data.open_images(
        FLAGS.data, people, FLAGS.min_images, exclude, on_bad_image
    )
    unopened = len(skipped.messages)
    print(f"{FLAGS.data}: {len(images)} images of {len(names)} identities")
    bar = keras.utils.Progbar(len(images), unit_name="image")
    description = data.write_shards(
        images,
        labels,
        names,
        FLAGS.output,
        images_per_shard=FLAGS.images_per_shard,
        on_bad_image=on_bad_image,
        progress=bar.update,
    )
    print(
        f"{FLAGS.output}: {description['images']} images of "
        f"{description['classes']} identities in "
        f"{len(description['shards'])} shards, read again and compared; "
        f"{unopened + len(images) - description['images']} skipped"
    )
