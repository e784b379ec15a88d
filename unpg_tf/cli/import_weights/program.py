"""Makes a Keras model of a PyTorch checkpoint."""

from unpg_tf import models
from unpg_tf import weights
from unpg_tf.cli import descriptions
from unpg_tf.cli import failures
from unpg_tf.cli.import_weights.flags import FLAGS


def main():
    """Imports what the flags say; exits with 1 and a message on an error."""
    with failures.told_by("unpg import-weights"):
        print(descriptions.of_machine())
        tensors = weights.read_checkpoint(FLAGS.checkpoint)
        model, error = weights.from_state_dict(
            tensors, FLAGS.arch, FLAGS.image_size, FLAGS.scaling
        )
        print(descriptions.of_model(model, FLAGS.checkpoint))
        models.save(model, FLAGS.output)
    print(f"{FLAGS.output}: differs from PyTorch by {error:.1e} of the largest")
    print(descriptions.of_files([FLAGS.output]))
