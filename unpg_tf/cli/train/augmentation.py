"""The random changes to training images."""

from unpg_tf import data
from unpg_tf.cli.options import parsed_options
from unpg_tf.cli.train.flags import FLAGS


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
    options = parsed_options(FLAGS.image_op_option)
    rate = options.pop("rate", 0.5)
    name = FLAGS.image_op.removeprefix("tfa:")
    return data.AddonsImages(augment, name, options, rate)
