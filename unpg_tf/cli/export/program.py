"""Exports a trained model as a SavedModel."""

from pathlib import Path

import tensorflow as tf
from absl import logging

from unpg_tf import evaluation
from unpg_tf import json_files
from unpg_tf import serving
from unpg_tf.cli import descriptions
from unpg_tf.cli import failures
from unpg_tf.cli.export.flags import FLAGS


def main():
    """Exports what the flags say; exits with 1 and a message on an error."""
    # What TensorFlow says about saving names its own nodes and hidden folders.
    logging.set_verbosity(logging.WARNING)
    with failures.told_by("unpg export"):
        _export()


def _export():
    print(descriptions.of_machine())
    settings = _settings()
    model = evaluation.load_keras_file(FLAGS.model)
    print(descriptions.of_model(model, FLAGS.model), flush=True)
    serving.save(
        model,
        FLAGS.output,
        **settings,
        image_size=FLAGS.image_size,
        card=_card(),
        overwrite=FLAGS.overwrite,
    )
    print(_summary(FLAGS.output, settings))
    card = Path(FLAGS.output, "assets.extra", "model_card.json")
    print(descriptions.of_files([f"{FLAGS.output}/", card]))


def _settings():
    """The threshold and the flip test, as arguments of `save`."""
    if FLAGS.threshold_from is None:
        return {"threshold": FLAGS.threshold, "flip": bool(FLAGS.flip)}
    settings = serving.read_settings(FLAGS.threshold_from, FLAGS.far)
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
    """The flags that unpg train left beside the model, by name."""
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
    return json_files.read_object(path)


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
