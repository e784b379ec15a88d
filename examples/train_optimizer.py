"""The optimizer of train.py and its learning rate, and their flags."""

from absl import flags
from tensorflow import keras

from unpg_tf import compat
from unpg_tf import models
from unpg_tf import optimizers

FLAGS = flags.FLAGS
ADDONS = "tfa:"
# Names of the variables of biases and normalisation.
NOT_DECAYED = ["bias", "gamma", "beta"]

flags.DEFINE_string(
    "optimizer",
    "sgd",
    "sgd (with a momentum of 0.9), adamw, or on TensorFlow 2.15 tfa:LAMB and "
    "other optimizers of TensorFlow Addons.",
)
flags.register_validator(
    "optimizer",
    lambda name: name in ("sgd", "adamw") or name.startswith(ADDONS),
    "Expected sgd, adamw or tfa:NAME",
)
flags.DEFINE_multi_string(
    "optimizer_option",
    [],
    "A further argument of the optimizer's class, NAME=VALUE, such as "
    "momentum=0.8. May be repeated.",
)
flags.DEFINE_float(
    "learning_rate",
    0.1,
    "Learning rate, which rises during the warm-up and then falls along "
    "--schedule. For adamw rather 0.001.",
    lower_bound=0.0,
)
flags.DEFINE_float(
    "head_learning_rate",
    None,
    "Learning rate of the head, where it isn't --learning_rate; it rises and "
    "falls alike. For sgd and adamw.",
    lower_bound=0.0,
)
flags.DEFINE_enum(
    "schedule",
    "cosine",
    ["cosine", "polynomial", "step", "constant"],
    "How the learning rate falls after the warm-up. cosine and polynomial "
    "(see --power) reach 0 at the end; step falls to a tenth after each of "
    "--step_epochs.",
)
flags.DEFINE_float(
    "power", 2.0, "With --schedule=polynomial: the power.", lower_bound=0.0
)
flags.DEFINE_list(
    "step_epochs",
    [],
    "With --schedule=step: the epochs, such as 10,18,22.",
)
flags.DEFINE_float(
    "warmup_epochs",
    1.0,
    "Epochs in which the learning rate rises from 0.",
    lower_bound=0.0,
)
flags.DEFINE_float(
    "weight_decay",
    5e-3,
    "Part of a weight that a step of learning rate 1 takes away, apart from "
    "the momentum: 0.005 is what 0.0005 is where decay goes through a "
    "momentum of 0.9, as with --decay=l2. Biases and normalisation are left "
    "alone.",
    lower_bound=0.0,
)
flags.DEFINE_enum(
    "decay",
    "decoupled",
    ["decoupled", "l2"],
    "With --optimizer=sgd: what weight decay goes by: decoupled, weights by "
    "themselves; l2, through gradient and momentum, as in PyTorch's SGD.",
)
flags.DEFINE_bool(
    "decay_all", False, "Let biases and normalisation decay as well."
)
flags.DEFINE_float(
    "global_clipnorm",
    None,
    "Longest gradient, all weights together; a longer one is shortened.",
    lower_bound=1e-12,
)
flags.DEFINE_integer(
    "gradient_accumulation_steps",
    None,
    "Steps whose gradients are averaged for one update. Keras 3 alone. The "
    "pairs of a loss are those of each step.",
    lower_bound=2,
)
flags.DEFINE_float(
    "ema_momentum",
    None,
    "Average the weights over the steps, by this factor of the old ones, such "
    "as 0.999; model.keras gets the average.",
    lower_bound=0.0,
    upper_bound=1.0,
)


def optimizer(steps, options, head=()):
    """The optimizer that the flags ask for.

    Args:
        steps: integer, steps per epoch.
        options: dict of further arguments of its class.
        head: list of the head's variables.
    """
    addon = FLAGS.optimizer.startswith(ADDONS)
    options = {**_common(), **options}
    if addon:
        kind = _addon(FLAGS.optimizer.removeprefix(ADDONS))
    else:
        kinds = {"sgd": optimizers.LazySGD, "adamw": optimizers.LazyAdamW}
        kind = kinds[FLAGS.optimizer]
        options.setdefault("weight_decay", FLAGS.weight_decay)
    if FLAGS.optimizer == "sgd":
        options.setdefault("momentum", 0.9)
        options.setdefault("decoupled", FLAGS.decay == "decoupled")
    rate = learning_rate(steps)
    try:
        made = kind(learning_rate=rate, **options)
    except (TypeError, ValueError) as error:
        raise ValueError(
            f"Expected arguments of --optimizer={FLAGS.optimizer}. "
            f"Received: {options}: {error}"
        ) from error
    if not FLAGS.decay_all and not addon:
        made.exclude_from_weight_decay(var_names=NOT_DECAYED)
    if FLAGS.head_learning_rate is not None:
        if addon or not FLAGS.learning_rate:
            raise ValueError(
                "Expected --optimizer=sgd or adamw and a --learning_rate above "
                f"0 with --head_learning_rate. Received: {FLAGS.optimizer}, "
                f"{FLAGS.learning_rate}"
            )
        factor = FLAGS.head_learning_rate / FLAGS.learning_rate
        made.scale_learning_rate(factor, head)
    return made


def learning_rate(steps):
    """The learning rate by the number of updates, for steps per epoch."""
    updates = steps / (FLAGS.gradient_accumulation_steps or 1)
    warmup = round(FLAGS.warmup_epochs * updates)
    rest = max(1, round(FLAGS.epochs * updates) - warmup)
    rate, schedules = FLAGS.learning_rate, keras.optimizers.schedules
    if FLAGS.schedule == "cosine":
        return schedules.CosineDecay(
            0.0 if warmup else rate,
            rest,
            warmup_target=rate if warmup else None,
            warmup_steps=warmup,
        )
    if FLAGS.schedule == "polynomial":
        falling = schedules.PolynomialDecay(rate, rest, 0.0, FLAGS.power)
    elif FLAGS.schedule == "step":
        ends = [round(epoch * updates) - warmup for epoch in _step_epochs()]
        values = [rate * 0.1**k for k in range(len(ends) + 1)]
        falling = schedules.PiecewiseConstantDecay(ends, values)
    else:
        falling = schedules.PolynomialDecay(rate, 1, rate)
    return models.WarmUp(falling, warmup) if warmup else falling


def _common():
    options = {}
    if FLAGS.global_clipnorm is not None:
        if compat.IS_KERAS_3 and FLAGS.strategy != "none":
            raise ValueError(
                "Expected --strategy=none with --global_clipnorm on Keras 3, "
                "which shortens each replica's gradient by itself. "
                f"Received: --strategy={FLAGS.strategy}"
            )
        options["global_clipnorm"] = FLAGS.global_clipnorm
    if FLAGS.gradient_accumulation_steps is not None:
        if not compat.IS_KERAS_3:
            raise ValueError(
                "Expected Keras 3 for --gradient_accumulation_steps, which "
                "Keras 2 doesn't have. Received: Keras 2"
            )
        if FLAGS.strategy != "none":
            raise ValueError(
                "Expected --strategy=none with --gradient_accumulation_steps, "
                "which Keras can't do for replicas. "
                f"Received: --strategy={FLAGS.strategy}"
            )
        if FLAGS.sample_rate < 1:
            raise ValueError(
                "Expected --sample_rate=1 with --gradient_accumulation_steps, "
                "which keeps the gradients of all classes. "
                f"Received: --sample_rate={FLAGS.sample_rate}"
            )
        options["gradient_accumulation_steps"] = (
            FLAGS.gradient_accumulation_steps
        )
    if FLAGS.ema_momentum is not None:
        options.update(use_ema=True, ema_momentum=FLAGS.ema_momentum)
    return options


def _step_epochs():
    try:
        epochs = [float(epoch) for epoch in FLAGS.step_epochs]
    except ValueError:
        epochs = []
    if not epochs or epochs != sorted(epochs):
        raise ValueError(
            "Expected ascending numbers with --schedule=step. "
            f"Received: --step_epochs={','.join(FLAGS.step_epochs)}"
        )
    return epochs


def _addon(name):
    """A class of TensorFlow Addons; its weight decay is one of its options."""
    known = compat.addons("--optimizer=sgd and adamw").optimizers
    if not hasattr(known, name):
        raise ValueError(
            "Expected an optimizer of TensorFlow Addons. "
            f"Received: --optimizer={FLAGS.optimizer}"
        )
    return getattr(known, name)
