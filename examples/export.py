r"""Exports a trained model as a SavedModel, which TensorFlow alone can serve.

With the threshold that an evaluation chose, and the flip test as it had it:

    python examples/export.py --model=runs/demo/model.keras \
        --threshold_from=runs/demo/report.json --output=saved_models/demo/1

With the threshold that lets one stranger in a hundred pass:

    python examples/export.py --model=runs/demo/model.keras \
        --threshold_from=runs/demo/report.json --far=0.01 \
        --output=saved_models/demo/1

With one of your own:

    python examples/export.py --model=runs/lfw/model.keras \
        --threshold=0.31 --output=saved_models/lfw/1

Its model card (assets.extra/model_card.json) holds the report, the flags of the
training from a flags.txt beside the model, and what these say:

    --data_name="LFW, View 1" --licence="CC-BY-4.0" --card=more.json

The SavedModel answers three signatures: serving_default embeds pixels,
encoded_images embeds JPEG and PNG files, verify says of two files whether they
show one identity. saved_models/README.md shows how to ask it.
"""

import json
from pathlib import Path

import failures
import tensorflow as tf
from absl import app
from absl import flags
from absl import logging

from unpg_tf import evaluation
from unpg_tf import export

FLAGS = flags.FLAGS

flags.DEFINE_string("model", None, "A trained model's .keras file. Required.")
flags.DEFINE_string(
    "output",
    None,
    "Folder to write, such as saved_models/demo/1. A model server expects a "
    "number as its last part, the version. Required.",
)
flags.DEFINE_float(
    "threshold",
    None,
    "Cosine from which on two images are of one identity. This or "
    "--threshold_from is required.",
    lower_bound=-1.0,
    upper_bound=1.0,
)
flags.DEFINE_string(
    "threshold_from",
    None,
    "Report that evaluate.py wrote, to take the threshold from.",
)
flags.DEFINE_float(
    "far",
    None,
    "With --threshold_from: the false accept rate, one of the report's, whose "
    "threshold to take. By default the threshold of the best accuracy.",
    lower_bound=0.0,
    upper_bound=1.0,
)
flags.DEFINE_bool(
    "flip",
    None,
    "Average the embeddings of each image and of its mirror image. By "
    "default as the evaluation of --threshold_from did, else not.",
)
flags.DEFINE_integer(
    "image_size",
    None,
    "Height and width of the model's images in pixels. Needed only where the "
    "model takes images of any size.",
    lower_bound=1,
)
flags.DEFINE_string("data_name", None, "For the model card: the training data.")
flags.DEFINE_string("licence", None, "For the model card: the model's licence.")
flags.DEFINE_string(
    "card", None, "JSON file with an object of more facts for the model card."
)
flags.DEFINE_bool("overwrite", False, "Replace a SavedModel at --output.")


def main(argv):
    """Exports what the flags say; exits with 1 and a message on an error."""
    if len(argv) > 1:
        raise app.UsageError(f"Expected flags only. Received: {argv[1:]}")
    # What TensorFlow says about saving names its own nodes and hidden folders.
    logging.set_verbosity(logging.WARNING)
    with failures.told_by("export.py"):
        _export()


def _export():
    _check_flags()
    settings = _settings()
    export.save(
        evaluation.load_keras_file(FLAGS.model),
        FLAGS.output,
        **settings,
        image_size=FLAGS.image_size,
        card=_card(),
        overwrite=FLAGS.overwrite,
    )
    print(_summary(FLAGS.output, settings))


def _check_flags():
    for name in ("model", "output"):
        if FLAGS[name].value is None:
            raise ValueError(f"Expected --{name}. Received: none")
    if (FLAGS.threshold is None) == (FLAGS.threshold_from is None):
        given = "none" if FLAGS.threshold is None else "both"
        raise ValueError(
            "Expected either --threshold or --threshold_from. "
            f"Received: {given}"
        )
    if FLAGS.far is not None and FLAGS.threshold_from is None:
        raise ValueError(
            f"Expected --threshold_from with --far. Received: --far={FLAGS.far}"
        )


def _settings():
    """The threshold and the flip test, as arguments of `save`."""
    if FLAGS.threshold_from is None:
        return {"threshold": FLAGS.threshold, "flip": bool(FLAGS.flip)}
    settings = export.read_settings(FLAGS.threshold_from, FLAGS.far)
    if FLAGS.flip is not None:
        settings["flip"] = FLAGS.flip
    return settings


def _card():
    """What the model itself can't tell, for its card."""
    training = _training()
    card = {
        "data": training.get("data"),
        "loss": training.get("loss"),
        "training": training or None,
        "evaluation": _json(FLAGS.threshold_from),
        **_json(FLAGS.card, {}),
    }
    for name, value in (("data", FLAGS.data_name), ("licence", FLAGS.licence)):
        if value is not None:
            card[name] = value
    return card


def _training():
    """The flags that train.py left beside the model, by name."""
    path = Path(FLAGS.model).with_name("flags.txt")
    if not path.is_file():
        return {}
    lines = path.read_text(encoding="utf-8").splitlines()
    pairs = (line.removeprefix("--").partition("=") for line in lines)
    # Where the files lay on the machine that trained is nobody's business.
    return {
        name: value.rpartition("/")[2] if equals else True
        for name, equals, value in pairs
    }


def _json(path, default=None):
    if path is None:
        return default
    try:
        values = json.loads(Path(path).read_text(encoding="utf-8"))
    except ValueError as error:
        raise ValueError(f"{path}: Expected JSON. Received: {error}") from error
    if not isinstance(values, dict):
        raise ValueError(f"{path}: Expected an object. Received: {values}")
    return values


def _summary(directory, settings):
    """What the SavedModel answers, read from the SavedModel itself."""
    loaded = tf.saved_model.load(directory)
    lines = [
        f"{directory}: threshold {settings['threshold']:.4f}, "
        f"flip test {'yes' if settings['flip'] else 'no'}"
    ]
    for name, signature in loaded.signatures.items():
        lines.append(f"  {name}")
        inputs = signature.structured_input_signature[1]
        for sign, specs in (
            ("<-", inputs),
            ("->", signature.structured_outputs),
        ):
            lines += [
                f"    {sign} {key:<14} {_shape(spec):<16} {spec.dtype.name}"
                for key, spec in sorted(specs.items())
            ]
    return "\n".join(lines)


def _shape(spec):
    sizes = ("?" if size is None else str(size) for size in spec.shape)
    return f"[{', '.join(sizes)}]"


if __name__ == "__main__":
    app.run(main)
