"""Flags of `unpg train` about its images and verification pairs."""

from unpg_tf.cli.topics import Topic


def define(flag_values):
    """Defines them."""
    topic = Topic("Data", flag_values)
    topic.string(
        "data",
        "synthetic",
        "Folder that holds a folder of images per identity (JPEG, PNG, BMP, "
        "GIF), as LFW and ImageFolder have it; or FILE.rec, InsightFace's "
        "RecordIO, with its FILE.idx beside it; or a pattern of TFRecord "
        "shards that unpg convert wrote, 'shards/*.tfrecord'; or "
        "'tfds:NAME', of tensorflow_datasets; or 'synthetic', identities made "
        "up here, which needs no download.",
    )

    topic.string(
        "people",
        None,
        "File in LFW's people format, such as peopleDevTrain.txt: train on "
        "the identities that it lists, and no other. In a .rec their names "
        "are their numbers.",
    )

    topic.string(
        "exclude_people",
        None,
        "File of identities to leave out, such as those of a test set: a name"
        " (of its folder; in a .rec its number) on each line.",
    )

    topic.integer(
        "min_images",
        1,
        "Leave out identities with fewer images than this.",
        lower_bound=1,
    )

    topic.switch(
        "cache",
        True,
        "Decode all images into memory first: 3 * image_size² bytes each. "
        "Without it they are read anew in every epoch.",
    )

    topic.choice(
        "on_bad_image",
        "stop",
        ["stop", "skip"],
        "What to do about an image that can't be read: stop and name it, or "
        "log its name and go on without it.",
    )

    topic.string(
        "pairs",
        None,
        "File in LFW's pairs format, with images in --data: verify them after "
        "each epoch. With --data=synthetic other synthetic identities are "
        "verified without asking.",
    )

    topic.string(
        "threshold_pairs",
        None,
        "Other pairs, in the same format, to choose the threshold on. Required "
        "where --pairs has one fold.",
    )

    topic = Topic("Synthetic identities", flag_values)
    topic.integer(
        "synthetic_identities",
        400,
        "With --data=synthetic: number of identities.",
        lower_bound=2,
    )

    topic.integer(
        "synthetic_images",
        16,
        "With --data=synthetic: number of images per identity.",
        lower_bound=1,
    )

    for name, what in {
        "pose": "the pose (shift, rotation, scale, slant)",
        "light": "the light (brightness, colour cast, shadow)",
        "occlusion": "the occluded part",
        "noise": "the noise of the pixels",
    }.items():
        topic.number(
            f"synthetic_{name}",
            0.5,
            f"With --data=synthetic: how strongly {what} changes from image to "
            "image, 0 to 1.",
            lower_bound=0.0,
            upper_bound=1.0,
        )
