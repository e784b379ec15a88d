"""Writes a Keras backbone as a state dict for PyTorch."""

from unpg_tf import evaluation
from unpg_tf import weights
from unpg_tf.cli import descriptions
from unpg_tf.cli import failures
from unpg_tf.cli.export_weights.flags import FLAGS
from unpg_tf.files import replaced


def main():
    """Exports what the flags say; exits with 1 and a message on an error."""
    with failures.told_by("unpg export-weights"):
        print(descriptions.of_machine())
        model = evaluation.load_keras_file(FLAGS.model)
        print(descriptions.of_model(model, FLAGS.model))
        tensors = weights.to_state_dict(model)
        with replaced(FLAGS.output) as temporary:
            weights.write_checkpoint(tensors, temporary)
    print(f"{FLAGS.output}: {len(tensors)} tensors")
    print(descriptions.of_files([FLAGS.output]))
