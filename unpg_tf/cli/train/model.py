"""The model that unpg train trains: backbone, head, loss."""

import re

from tensorflow import keras

from unpg_tf import backbones
from unpg_tf import compat
from unpg_tf import evaluation
from unpg_tf import layers
from unpg_tf import losses
from unpg_tf import models
from unpg_tf.cli.options import parsed_options
from unpg_tf.cli.train import optimizer as optimizers
from unpg_tf.cli.train.flags import FLAGS

HEADS = {
    "cosface": layers.CosFace,
    "arcface": layers.ArcFace,
    "combined": layers.CombinedMargin,
    "sphereface": layers.SphereFace,
    "magface": layers.MagFace,
    "adaface": layers.AdaFace,
    "curricularface": layers.CurricularFace,
    "elasticface": layers.ElasticFace,
    "mv_softmax": layers.MVSoftmax,
    "x2_softmax": layers.X2Softmax,
    "adacos": layers.AdaCos,
    "subcenter_arcface": layers.SubcenterArcFace,
    "uniface": layers.UniFace,
    "uss": layers.USS,
    "unitsface": layers.UniTSFace,
}
ADDONS = "tfa:"
SOFTMAX_LOSSES = {
    "margin": losses.MarginLoss,
    "uce": losses.UCELoss,
    "unitsface": losses.UniTSFaceLoss,
    "upg": losses.UPGLoss,
    "mixface": losses.MixFaceLoss,
}
# Those that take the head's margin, where it is one of the angle.
WITH_MARGIN = ("upg", "mixface")
METRIC_LOSSES = {
    "triplet": losses.TripletSemiHardLoss,
    "multi_similarity": losses.MultiSimilarityLoss,
    "circle": losses.CircleLoss,
    "npair": losses.NPairLoss,
    "sn_pair": losses.SNPairLoss,
}
# Heads of several margins, and the names of these.
MARGINS = {
    "combined": ("m1", "m2", "m3"),
    "magface": ("lower_margin", "upper_margin"),
    "x2_softmax": ("a", "h", "k"),
}


def compiled_model(num_classes, steps):
    """The model and its optimizer, with all variables.

    Args:
        num_classes: integer.
        steps: integer, steps per epoch.
    """
    model = models.EmbeddingModel(_backbone(), _head(num_classes, steps))
    if FLAGS.init_from is not None:
        _start_from(model.backbone, FLAGS.init_from)
    if FLAGS.freeze is not None:
        _freeze(model.backbone, FLAGS.freeze)
    # Of all classes, which a sampled or sharded head spares a step.
    is_whole = FLAGS.sample_rate == 1 and not FLAGS.sharded
    metrics = ["accuracy"] if is_whole else []
    optimizer = optimizers.optimizer(
        steps,
        parsed_options(FLAGS.optimizer_option),
        model.head.trainable_variables,
    )
    model.compile(
        optimizer,
        _loss(model.head),
        metrics=metrics,
        jit_compile=FLAGS.jit_compile,
    )
    # Checkpoints are restored into variables, not into promises of them.
    compat.build_optimizer(model.optimizer, model.trainable_variables)
    return model


def _start_from(backbone, path):
    """Gives a backbone the weights of a saved model's."""
    source = evaluation.load_model(path)
    weights = getattr(source, "backbone", source).get_weights()
    shapes = [weight.shape for weight in weights]
    expected = [weight.shape for weight in backbone.get_weights()]
    if shapes != expected:
        raise ValueError(
            f"Expected the backbone of these flags, --backbone={FLAGS.backbone}"
            f", --image_size={FLAGS.image_size} and "
            f"--embedding_dim={FLAGS.embedding_dim}. "
            f"Received: another in --init_from={path}"
        )
    backbone.set_weights(weights)


def _freeze(model, pattern):
    layers_found = list(_layers(model))
    frozen = [x for x in layers_found if re.fullmatch(pattern, x.name)]
    if not frozen:
        names = ", ".join(layer.name for layer in layers_found[:9])
        raise ValueError(
            f"Expected a name of a layer, such as {names}. "
            f"Received: --freeze={pattern}"
        )
    for layer in frozen:
        layer.trainable = False


def _layers(model):
    """The layers of a model, and of the models among them."""
    for layer in model.layers:
        yield layer
        if isinstance(layer, keras.Model):
            yield from _layers(layer)


def _backbone():
    options = {} if FLAGS.dropout is None else {"dropout": FLAGS.dropout}
    if FLAGS.gradient_checkpointing:
        options["recompute"] = True
    try:
        return backbones.build(
            FLAGS.backbone,
            FLAGS.image_size,
            FLAGS.embedding_dim,
            center_crop=FLAGS.center_crop,
            **options,
        )
    except TypeError as error:
        raise ValueError(
            f"Expected a backbone that takes {options}. "
            f"Received: --backbone={FLAGS.backbone}: {error}"
        ) from error


def _head(num_classes, steps):
    arguments = {
        "num_classes": num_classes,
        "sample_rate": FLAGS.sample_rate,
        "sharded": FLAGS.sharded,
        "product_dtype": FLAGS.product_dtype,
    }
    if FLAGS.margin is not None:
        arguments["margin"] = FLAGS.margin
        if FLAGS.head in MARGINS:
            names = " or ".join(MARGINS[FLAGS.head])
            raise ValueError(
                f"Expected --head_option for {names} with --head={FLAGS.head}. "
                f"Received: --margin={FLAGS.margin}"
            )
    if FLAGS.head in ("adacos", "uniface", "uss", "unitsface"):
        arguments["scale"] = FLAGS.scale
    if FLAGS.head == "unitsface":
        arguments["cosface_steps"] = steps
    return _construct(HEADS[FLAGS.head], "head_option", arguments)


def _loss(head):
    if FLAGS.loss.startswith(ADDONS):
        return _addons_loss(FLAGS.loss.removeprefix(ADDONS))
    if FLAGS.loss in METRIC_LOSSES:
        arguments = {"embedding_dim": FLAGS.embedding_dim}
        return _construct(METRIC_LOSSES[FLAGS.loss], "loss_option", arguments)
    arguments = {"scale": FLAGS.scale, "embedding_dim": FLAGS.embedding_dim}
    if FLAGS.loss == "mixface":  # Its scales follow from these.
        del arguments["scale"]
        arguments["num_classes"] = head.num_classes
    if FLAGS.loss in WITH_MARGIN and isinstance(head, layers.ArcFace):
        arguments["margin"] = head.margin
    if FLAGS.loss in SOFTMAX_LOSSES:
        return _construct(SOFTMAX_LOSSES[FLAGS.loss], "loss_option", arguments)
    arguments["whisker"] = FLAGS.whisker
    arguments["product_dtype"] = FLAGS.product_dtype
    arguments["max_pair_share"] = FLAGS.max_pair_share
    arguments["max_target_ratio"] = FLAGS.max_target_ratio
    return _construct(losses.UNPGLoss, "loss_option", arguments)


def _addons_loss(name):
    options = parsed_options(FLAGS.loss_option)
    own = {k: options.pop(k) for k in ("global_batch", "scale") if k in options}
    return losses.AddonsLoss(name, FLAGS.embedding_dim, options, **own)


def _construct(constructor, flag, arguments):
    """Calls it with the arguments, and those of a flag of NAME=VALUE."""
    arguments.update(parsed_options(FLAGS[flag].value))
    try:
        return constructor(**arguments)
    except TypeError as error:
        raise ValueError(
            f"Expected arguments of {constructor.__name__}. "
            f"Received: {arguments}: {error}"
        ) from error
