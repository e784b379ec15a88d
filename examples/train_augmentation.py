"""The random changes to training images, and their flags."""

from absl import flags
from train_options import parsed_options

from unpg_tf import data

FLAGS = flags.FLAGS

flags.DEFINE_float(
    "flip",
    0.5,
    "Probability that a training image is mirrored.",
    lower_bound=0.0,
    upper_bound=1.0,
)
flags.DEFINE_float(
    "zoom",
    0.1,
    "Largest relative change of the size of what a training image shows.",
    lower_bound=0.0,
    upper_bound=0.9,
)
flags.DEFINE_float(
    "shift",
    0.04,
    "Largest move of a training image, as a part of its side.",
    lower_bound=0.0,
    upper_bound=1.0,
)
for _name, _what in {
    "brightness": "the brightness",
    "contrast": "the contrast",
    "saturation": "the saturation of the colours",
}.items():
    flags.DEFINE_float(
        _name,
        0.2,
        f"Largest relative change of {_what}, 0 to 1.",
        lower_bound=0.0,
        upper_bound=1.0,
    )

flags.DEFINE_string(
    "image_op",
    None,
    "An image operation of TensorFlow Addons after the others, on TensorFlow "
    "2.15 alone: tfa:gaussian_filter2d, tfa:equalize, tfa:sharpness …",
)
flags.register_validator(
    "image_op",
    lambda name: name is None or name.startswith("tfa:"),
    "Expected tfa:NAME",
)
flags.DEFINE_multi_string(
    "image_op_option",
    [],
    "An argument of --image_op, NAME=VALUE, such as sigma=2; rate=0.2 is the "
    "part of the images that it changes, by default half. May be repeated.",
)


def augmentation():
    """The random changes to training images."""
    augment = data.Augmentation(
        flip=FLAGS.flip,
        zoom=FLAGS.zoom,
        shift=FLAGS.shift,
        brightness=FLAGS.brightness,
        contrast=FLAGS.contrast,
        saturation=FLAGS.saturation,
    )
    if FLAGS.image_op is None:
        return augment
    options = parsed_options("image_op_option")
    rate = options.pop("rate", 0.5)
    name = FLAGS.image_op.removeprefix("tfa:")
    return data.AddonsImages(augment, name, options, rate)
