"""Flags of `unpg train` about devices, workers and precision."""

from unpg_tf.cli.topics import Topic


def define(flag_values):
    """Defines them."""
    topic = Topic("Devices and precision", flag_values)
    topic.choice(
        "strategy",
        "none",
        ["none", "mirrored", "multi_worker"],
        "none: one device. mirrored: all GPUs of this machine. multi_worker: "
        "the machines named in the environment variable TF_CONFIG, each of "
        "which runs this program with the same flags and sees the same "
        "--output_dir.",
    )

    topic.integer(
        "devices",
        None,
        "Split the CPU into this many devices, to try --strategy=mirrored on a "
        "machine without GPUs.",
        lower_bound=1,
    )

    topic.integer(
        "local_workers",
        0,
        "With --strategy=multi_worker: start this many workers on this "
        "machine, which share its CPUs, to try what several machines would "
        "do.",
        lower_bound=0,
    )

    topic.number(
        "worker_timeout",
        600.0,
        "With --strategy=multi_worker: seconds that each worker waits for the "
        "others when it starts.",
        lower_bound=1.0,
    )

    topic.switch(
        "deterministic",
        False,
        "The same weights, bit for bit, from the same --seed on the same "
        "machine and number of devices. Slower on GPUs.",
    )

    topic.choice(
        "mixed_precision",
        "none",
        ["none", "float16", "bfloat16"],
        "Compute the backbone in half precision. Heads and losses stay in "
        "float32.",
    )

    topic.switch("jit_compile", False, "Compile the training step by XLA.")
