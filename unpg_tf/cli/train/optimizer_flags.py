"""Flags of `unpg train` about optimizer and learning rate."""

from unpg_tf.cli.topics import Topic


def define(flag_values):
    """Defines them."""
    topic = Topic("Optimizer and learning rate", flag_values)
    topic.choice(
        "optimizer",
        "sgd",
        ["sgd", "adamw"],
        "sgd (with a momentum of 0.9), adamw, or on TensorFlow 2.15 tfa:LAMB "
        "and other optimizers of TensorFlow Addons.",
        prefix="tfa:",
    )

    topic.repeated(
        "optimizer_option",
        "A further argument of the optimizer's class, NAME=VALUE, such as "
        "momentum=0.8. May be repeated.",
    )

    topic.number(
        "learning_rate",
        0.1,
        "Learning rate, which rises during the warm-up and then falls along "
        "--schedule. For adamw rather 0.001.",
        lower_bound=0.0,
    )

    topic.number(
        "head_learning_rate",
        None,
        "Learning rate of the head, where it isn't --learning_rate; it rises "
        "and falls alike. For sgd and adamw.",
        lower_bound=0.0,
    )

    topic.choice(
        "schedule",
        "cosine",
        ["cosine", "polynomial", "step", "constant"],
        "How the learning rate falls after the warm-up. cosine and polynomial "
        "(see --power) reach 0 at the end; step falls to a tenth after each of "
        "--step_epochs.",
    )

    topic.number(
        "power", 2.0, "With --schedule=polynomial: the power.", lower_bound=0.0
    )

    topic.listed(
        "step_epochs",
        [],
        "With --schedule=step: the epochs, such as 10,18,22.",
    )

    topic.number(
        "warmup_epochs",
        1.0,
        "Epochs in which the learning rate rises from 0.",
        lower_bound=0.0,
    )

    topic.number(
        "weight_decay",
        5e-3,
        "Part of a weight that a step of learning rate 1 takes away, apart "
        "from the momentum: 0.005 is what 0.0005 is where decay goes through "
        "a momentum of 0.9, as with --decay=l2. Biases and normalisation are "
        "left alone.",
        lower_bound=0.0,
    )

    topic.choice(
        "decay",
        "decoupled",
        ["decoupled", "l2"],
        "With --optimizer=sgd: what weight decay goes by: decoupled, weights "
        "by themselves; l2, through gradient and momentum, as in PyTorch's "
        "SGD.",
    )

    topic.switch(
        "decay_all", False, "Let biases and normalisation decay as well."
    )

    topic.number(
        "global_clipnorm",
        None,
        "Longest gradient, all weights together; a longer one is shortened.",
        lower_bound=1e-12,
    )

    topic.integer(
        "gradient_accumulation_steps",
        None,
        "Steps whose gradients are averaged for one update. Keras 3 alone. The "
        "pairs of a loss are those of each step.",
        lower_bound=2,
    )

    topic.number(
        "ema_momentum",
        None,
        "Average the weights over the steps, by this factor of the old ones, "
        "such as 0.999; model.keras gets the average.",
        lower_bound=0.0,
        upper_bound=1.0,
    )
