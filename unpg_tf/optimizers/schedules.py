"""Learning rates by epochs, as the papers of the field state them."""

from tensorflow import keras

from unpg_tf import ops
from unpg_tf.optimizers.warm_up import WarmUp

SCHEDULES = ("cosine", "polynomial", "step", "constant")


def learning_rate(
    schedule,
    peak,
    epochs,
    steps_per_epoch,
    warmup_epochs=0.0,
    power=2.0,
    step_epochs=(),
):
    """Makes a learning-rate schedule from numbers of epochs.

    The rate rises linearly from 0 during the warm-up. `cosine` and
    `polynomial` then fall to 0 at the end, as in InsightFace's recipes; `step`
    falls to a tenth after each of `step_epochs`, as in ArcFace and CosFace.

    Args:
        schedule: `cosine`, `polynomial`, `step` or `constant`.
        peak: float, the rate after the warm-up.
        epochs: float, the length of the whole training.
        steps_per_epoch: float, steps per epoch; with Keras'
            `gradient_accumulation_steps` all of them, as Keras counts.
        warmup_epochs: float, the length of the warm-up.
        power: float, of `polynomial`.
        step_epochs: list of floats, ascending; of `step`.

    Returns:
        A `keras.optimizers.schedules.LearningRateSchedule`.

    Raises:
        ValueError: there is no such schedule, or a number is out of range.

    Example:
        >>> rate = learning_rate("cosine", 0.1, 20, steps_per_epoch=11_372)
        >>> optimizer = keras.optimizers.SGD(rate, momentum=0.9)
    """
    ops.expect(schedule in SCHEDULES, " or ".join(SCHEDULES), schedule=schedule)
    ops.expect_numbers(peak=peak, epochs=epochs, warmup_epochs=warmup_epochs)
    step_epochs = list(step_epochs)
    ops.expect(
        (schedule != "step") or (step_epochs == sorted(step_epochs) != []),
        "step_epochs, ascending",
        step_epochs=step_epochs,
    )
    warmup = round(warmup_epochs * steps_per_epoch)
    rest = max(1, round(epochs * steps_per_epoch) - warmup)
    schedules = keras.optimizers.schedules
    if schedule == "cosine":
        return schedules.CosineDecay(
            0.0 if warmup else peak,
            rest,
            warmup_target=peak if warmup else None,
            warmup_steps=warmup,
        )
    if schedule == "polynomial":
        falling = schedules.PolynomialDecay(peak, rest, 0.0, power)
    elif schedule == "step":
        ends = [round(end * steps_per_epoch) - warmup for end in step_epochs]
        values = [peak * 0.1**k for k in range(len(ends) + 1)]
        falling = schedules.PiecewiseConstantDecay(ends, values)
    else:
        falling = schedules.PolynomialDecay(peak, 1, peak)
    return WarmUp(falling, warmup) if warmup else falling
