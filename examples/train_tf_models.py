r"""Trains by the TensorFlow Model Garden's own trainer (tf-models-official).

    python examples/train_tf_models.py --experiment=unpg_face_recognition \
        --mode=train_and_eval --model_dir=runs/tfm \
        --config_file=experiment.yaml \
        --params_override=task.head.name=ArcFace,trainer.train_steps=2000

MODEL_DIR gets the experiment's params.yaml, checkpoints, from which the same
command goes on, summaries for TensorBoard in train/ and validation/, and after
the training model.keras and saved_model/1/, which TensorFlow alone serves. On
TensorFlow 2.16 and later, set TF_USE_LEGACY_KERAS=1. `unpg_tf.model_garden` has
what the experiment can be told.
"""

import sys
from pathlib import Path

import tensorflow as tf
from absl import app
from absl import flags
from absl import logging

from unpg_tf import models
from unpg_tf import serving
from unpg_tf.cli import failures

try:
    import unpg_tf.model_garden  # noqa: F401  Registers the experiment.
except ImportError as _error:
    sys.exit(f"train_tf_models.py: {_error}")

from official.common import distribute_utils
from official.common import flags as model_garden_flags
from official.core import task_factory
from official.core import train_lib
from official.core import train_utils
from official.modeling import performance

FLAGS = flags.FLAGS

model_garden_flags.define_flags()
flags.DEFINE_integer(
    "devices",
    None,
    "Split the CPU into this many devices, and train on all of them.",
    lower_bound=1,
)
flags.DEFINE_float(
    "threshold",
    0.0,
    "Cosine from which on the SavedModel calls two images one identity.",
    lower_bound=-1.0,
    upper_bound=1.0,
)
flags.mark_flags_as_required(["experiment", "mode", "model_dir"])


def main(argv):
    """Trains as the flags say; exits with 1 and a message on an error."""
    if len(argv) > 1:
        raise app.UsageError(f"Expected flags only. Received: {argv[1:]}")
    logging.set_verbosity(logging.WARNING)
    with failures.told_by("train_tf_models.py", KeyError):
        _run()


def _run():
    params = train_utils.parse_configuration(FLAGS)
    if "train" in FLAGS.mode:
        train_utils.serialize_config(params, FLAGS.model_dir)
    if params.runtime.mixed_precision_dtype:
        performance.set_mixed_precision_policy(
            params.runtime.mixed_precision_dtype
        )
    strategy = _strategy(params.runtime)
    with strategy.scope():
        task = task_factory.get_task(params.task, logging_dir=FLAGS.model_dir)
    model, _ = train_lib.run_experiment(
        strategy, task, FLAGS.mode, params, FLAGS.model_dir
    )
    if "train" in FLAGS.mode:
        _save(model, Path(FLAGS.model_dir))


def _strategy(runtime):
    if FLAGS.devices is None:
        return distribute_utils.get_distribution_strategy(
            distribution_strategy=runtime.distribution_strategy,
            all_reduce_alg=runtime.all_reduce_alg,
            num_gpus=runtime.num_gpus,
            tpu_address=runtime.tpu,
        )
    device = tf.config.LogicalDeviceConfiguration()
    tf.config.set_logical_device_configuration(
        tf.config.list_physical_devices("CPU")[0], [device] * FLAGS.devices
    )
    devices = tf.config.list_logical_devices("CPU")
    return tf.distribute.MirroredStrategy([device.name for device in devices])


def _save(model, directory):
    models.save(model, directory / "model.keras")
    serving.save(
        model,
        directory / "saved_model" / "1",
        threshold=FLAGS.threshold,
        overwrite=True,
    )
    print(f"{directory}: model.keras and saved_model/1/")


if __name__ == "__main__":
    app.run(main)
