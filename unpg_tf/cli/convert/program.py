"""Writes training images to TFRecord shards."""

from pathlib import Path

from unpg_tf import data
from unpg_tf.cli import descriptions
from unpg_tf.cli import failures
from unpg_tf.cli.convert.flags import FLAGS
from unpg_tf.progress import Progress


def main():
    """Converts as the flags say; exits with 1 and a message on an error."""
    with failures.told_by("unpg convert"):
        _convert()


def _convert():
    print(descriptions.of_machine())
    people = data.read_people(FLAGS.people) if FLAGS.people else None
    path = FLAGS.exclude_people
    exclude = [] if path is None else data.read_names(path)
    skipped = data.SkippedImages()
    on_bad_image = skipped if FLAGS.on_bad_image == "skip" else None
    left_out, unaligned = [], []
    images, labels, names = data.open_images(
        FLAGS.data,
        people,
        FLAGS.min_images,
        exclude,
        on_bad_image,
        left_out.append,
        Progress(f"Listing {FLAGS.data}", unit="entry"),
        unaligned.append,
    )
    unopened = len(skipped.messages)
    line = descriptions.of_data(FLAGS.data, len(images), len(names), left_out)
    print(line, flush=True)
    for message in unaligned:
        print(f"{FLAGS.data}: {message}", flush=True)
    description = data.write_shards(
        images,
        labels,
        names,
        FLAGS.output,
        images_per_shard=FLAGS.images_per_shard,
        on_bad_image=on_bad_image,
        progress=Progress("Writing shards", len(images)),
    )
    print(
        f"{FLAGS.output}: {description['images']} images of "
        f"{description['classes']} identities in "
        f"{len(description['shards'])} shards, read again and compared; "
        f"{unopened + len(images) - description['images']} skipped"
    )
    print(
        descriptions.of_files(
            Path(FLAGS.output, name)
            for name in ("*.tfrecord", "identities.txt", "dataset.json")
        )
    )
