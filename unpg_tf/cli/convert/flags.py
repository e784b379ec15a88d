r"""unpg convert: writes training images to TFRecord shards for unpg train.

For instance InsightFace's RecordIO:

    unpg convert --data=faces_emore/train.rec --output=shards
    unpg train --data='shards/*.tfrecord' --nocache \
        --image_size=112 --output_dir=runs/faces

The images stay as they are, each is decoded once to see that it is one, and
what was written is read again and compared. An interrupted run, started again,
keeps the shards that are whole. OUTPUT gets the shards with an .index each,
identities.txt, and dataset.json at last.
"""

from absl import flags

from unpg_tf.cli.topics import Topic
from unpg_tf.cli.topics import expect_no
from unpg_tf.cli.topics import require

FLAGS = flags.FlagValues()
FIRST = ("data", "output")

topic = Topic("Data", FLAGS)
topic.string(
    "data",
    None,
    "Folder that holds a folder of images per identity (JPEG, PNG, BMP, "
    "GIF); or FILE.rec, InsightFace's RecordIO, with its FILE.idx beside it; "
    "or other shards, 'others/*.tfrecord'; or 'tfds:NAME', of "
    "tensorflow_datasets.",
)

topic.string("output", None, "Folder to write the shards to.")

topic.string(
    "people",
    None,
    "File in LFW's people format: write the identities that it lists, and no "
    "other. In a .rec their names are their numbers.",
)

topic.string(
    "exclude_people",
    None,
    "File of identities to leave out, a name on each line.",
)

topic.integer(
    "min_images",
    1,
    "Leave out identities with fewer images than this.",
    lower_bound=1,
)

topic.integer(
    "images_per_shard",
    20_000,
    "Largest number of images in a shard.",
    lower_bound=1,
)

topic.choice(
    "on_bad_image",
    "stop",
    ["stop", "skip"],
    "What to do about an image that can't be read: stop and name it, or log "
    "its name and leave it out.",
)


def check(*arguments):
    """Raises a ValueError where arguments or flags miss."""
    expect_no(arguments)
    require(FLAGS, "data", "output")
