"""Flags of `unpg train` about the random changes to training images."""

from unpg_tf.cli.topics import Topic


def define(flag_values):
    """Defines them."""
    topic = Topic("Augmentation", flag_values)
    topic.number(
        "flip",
        0.5,
        "Probability that a training image is mirrored.",
        lower_bound=0.0,
        upper_bound=1.0,
    )

    topic.number(
        "zoom",
        0.1,
        "Largest relative change of the size of what a training image shows.",
        lower_bound=0.0,
        upper_bound=0.9,
    )

    topic.number(
        "shift",
        0.04,
        "Largest move of a training image, as a part of its side.",
        lower_bound=0.0,
        upper_bound=1.0,
    )

    for name, what in {
        "brightness": "the brightness",
        "contrast": "the contrast",
        "saturation": "the saturation of the colours",
    }.items():
        topic.number(
            name,
            0.2,
            f"Largest relative change of {what}, 0 to 1.",
            lower_bound=0.0,
            upper_bound=1.0,
        )

    topic.choice(
        "image_op",
        None,
        [],
        "An image operation of TensorFlow Addons after the others, on "
        "TensorFlow 2.15 alone: tfa:gaussian_filter2d, tfa:equalize, "
        "tfa:sharpness …",
        prefix="tfa:",
    )

    topic.repeated(
        "image_op_option",
        "An argument of --image_op, NAME=VALUE, such as sigma=2; rate=0.2 is "
        "the part of the images that it changes, by default half. May be "
        "repeated.",
    )
