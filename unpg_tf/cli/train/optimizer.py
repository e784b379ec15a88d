"""The optimizer that `unpg train` trains with."""

from unpg_tf import compat
from unpg_tf import optimizers
from unpg_tf.cli.train.flags import FLAGS

ADDONS = "tfa:"
# Names of the variables of biases and normalisation.
NOT_DECAYED = ["bias", "gamma", "beta"]


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
    """The learning rate by the number of steps, for steps per epoch."""
    return optimizers.learning_rate(
        FLAGS.schedule,
        FLAGS.learning_rate,
        FLAGS.epochs,
        # Also with gradient accumulation: Keras' schedules count each step.
        steps,
        FLAGS.warmup_epochs,
        power=FLAGS.power,
        step_epochs=_step_epochs() if FLAGS.schedule == "step" else (),
    )


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
