r"""Writes training images to TFRecord shards, which train.py reads.

For instance InsightFace's RecordIO:

    python examples/convert.py --data=faces_emore/train.rec --output=shards
    python examples/train.py --data='shards/*.tfrecord' --nocache \
        --image_size=112 --output_dir=runs/faces

The images stay as they are, each is decoded once to see that it is one, and
what was written is read again and compared. An interrupted run, started again,
keeps the shards that are whole. OUTPUT gets the shards with an .index each,
identities.txt, and dataset.json at last.
"""

import failures
from absl import app
from absl import flags
from tensorflow import keras

from unpg_tf import data

FLAGS = flags.FLAGS
flags.DEFINE_string(
    "data",
    None,
    "Folder that holds a folder of JPEG or PNG images per identity; or "
    "FILE.rec, InsightFace's RecordIO, with its FILE.idx beside it; or other "
    "shards, 'others/*.tfrecord'; or 'tfds:NAME', of tensorflow_datasets.",
)
flags.DEFINE_string("output", None, "Folder to write the shards to.")
flags.DEFINE_string(
    "people",
    None,
    "File in LFW's people format: write the identities that it lists, and no "
    "other. In a .rec their names are their numbers.",
)
flags.DEFINE_string(
    "exclude_people",
    None,
    "File of identities to leave out, a name on each line.",
)
flags.DEFINE_integer(
    "min_images",
    1,
    "Leave out identities with fewer images than this.",
    lower_bound=1,
)
flags.DEFINE_integer(
    "images_per_shard",
    20_000,
    "Largest number of images in a shard.",
    lower_bound=1,
)
flags.DEFINE_enum(
    "on_bad_image",
    "stop",
    ["stop", "skip"],
    "What to do about an image that can't be read: stop and name it, or log "
    "its name and leave it out.",
)


def main(argv):
    """Converts as the flags say; exits with 1 and a message on an error."""
    if len(argv) > 1:
        raise app.UsageError(f"Expected flags only. Received: {argv[1:]}")
    with failures.told_by("convert.py"):
        _convert()


def _convert():
    for name in ("data", "output"):
        if FLAGS[name].value is None:
            raise ValueError(f"Expected --{name}. Received: none")
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


if __name__ == "__main__":
    app.run(main)
