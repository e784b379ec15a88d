"""The model that train.py trains: backbone, head, loss, optimizer."""

import json

from absl import flags
from tensorflow import keras

from unpg_tf import backbones
from unpg_tf import layers
from unpg_tf import losses
from unpg_tf import models
from unpg_tf import optimizers

FLAGS = flags.FLAGS
HEADS = {
    "cosface": layers.CosFace,
    "arcface": layers.ArcFace,
    "combined": layers.CombinedMargin,
    "sphereface": layers.SphereFace,
    "magface": layers.MagFace,
    "adaface": layers.AdaFace,
    "curricularface": layers.CurricularFace,
    "elasticface": layers.ElasticFace,
}
ADDONS = "tfa:"
METRIC_LOSSES = {
    "triplet": losses.TripletSemiHardLoss,
    "multi_similarity": losses.MultiSimilarityLoss,
    "circle": losses.CircleLoss,
    "npair": losses.NPairLoss,
}
# Heads of several margins, and the names of these.
MARGINS = {
    "combined": ("m1", "m2", "m3"),
    "magface": ("lower_margin", "upper_margin"),
}
# Names of the variables of biases and normalisation.
NOT_DECAYED = ["bias", "gamma", "beta"]


def compiled_model(num_classes, steps):
    """The model and its optimizer, with all variables.

    Args:
        num_classes: integer.
        steps: integer, steps per epoch.
    """
    model = models.EmbeddingModel(_backbone(), _head(num_classes))
    model.compile(
        _optimizer(steps),
        _loss(),
        metrics=["accuracy"],
        jit_compile=FLAGS.jit_compile,
    )
    # Checkpoints are restored into variables, not into promises of them.
    model.optimizer.build(model.trainable_variables)
    return model


def _backbone():
    dropout = {} if FLAGS.dropout is None else {"dropout": FLAGS.dropout}
    return backbones.build(
        FLAGS.backbone,
        FLAGS.image_size,
        FLAGS.embedding_dim,
        center_crop=FLAGS.center_crop,
        **dropout,
    )


def _head(num_classes):
    arguments = {
        "num_classes": num_classes,
        "sample_rate": FLAGS.sample_rate,
    }
    if FLAGS.margin is not None:
        arguments["margin"] = FLAGS.margin
        if FLAGS.head in MARGINS:
            names = " or ".join(MARGINS[FLAGS.head])
            raise ValueError(
                f"Expected --head_option for {names} with --head={FLAGS.head}. "
                f"Received: --margin={FLAGS.margin}"
            )
    return _construct(HEADS[FLAGS.head], "head_option", arguments)


def _loss():
    if FLAGS.loss.startswith(ADDONS):
        return _addons_loss(FLAGS.loss.removeprefix(ADDONS))
    if FLAGS.loss in METRIC_LOSSES:
        arguments = {"embedding_dim": FLAGS.embedding_dim}
        return _construct(METRIC_LOSSES[FLAGS.loss], "loss_option", arguments)
    arguments = {"scale": FLAGS.scale, "embedding_dim": FLAGS.embedding_dim}
    if FLAGS.loss == "margin":
        return _construct(losses.MarginLoss, "loss_option", arguments)
    arguments["whisker"] = FLAGS.whisker
    return _construct(losses.UNPGLoss, "loss_option", arguments)


def _addons_loss(name):
    options = parsed_options("loss_option")
    own = {k: options.pop(k) for k in ("global_batch", "scale") if k in options}
    return losses.AddonsLoss(name, FLAGS.embedding_dim, options, **own)


def parsed_options(flag):
    """The values of a flag of NAME=VALUE: numbers, or else strings."""
    arguments = {}
    for option in FLAGS[flag].value:
        name, _, value = option.partition("=")
        try:
            arguments[name] = json.loads(value)
        except json.JSONDecodeError:
            arguments[name] = value
    return arguments


def _construct(constructor, flag, arguments):
    """Calls it with the arguments, and those of a flag of NAME=VALUE."""
    arguments.update(parsed_options(flag))
    try:
        return constructor(**arguments)
    except TypeError as error:
        raise ValueError(
            f"Expected arguments of {constructor.__name__}. "
            f"Received: {arguments}: {error}"
        ) from error


def _optimizer(steps):
    warmup = round(FLAGS.warmup_epochs * steps)
    schedule = keras.optimizers.schedules.CosineDecay(
        0.0 if warmup else FLAGS.learning_rate,
        max(1, FLAGS.epochs * steps - warmup),
        warmup_target=FLAGS.learning_rate if warmup else None,
        warmup_steps=warmup,
    )
    decay = FLAGS.weight_decay
    if FLAGS.optimizer == "adamw":
        optimizer = optimizers.LazyAdamW(schedule, weight_decay=decay)
    else:
        optimizer = optimizers.LazySGD(
            schedule, momentum=0.9, weight_decay=decay
        )
    optimizer.exclude_from_weight_decay(var_names=NOT_DECAYED)
    return optimizer
