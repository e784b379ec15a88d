r"""Where UNPG and its relatives help: settings, heads, losses and seeds.

    python benchmarks/gains.py --data=lfw --results=runs/gains.jsonl

trains a small network from scratch in each setting, on LFW's faces or on
synthetic identities, in about half a minute of CPU time a run, and measures it
on all pairs of people that it hasn't seen. Within a setting, a head and a seed
all losses start from the same weights and see the same batches. --losses names
them: `margin`, to compare with; `unpg`, its options after a
colon, as in `unpg:max_pair_share=0.1`; `margin>unpg` changes after half of the
epochs. A head may carry options too, and a loss may bring a head of its own, as
in `uniface/uce`.

Each run appends a line of JSON, and none is repeated. Several processes share
the work with --part=1/2, --part=2/2. The column "wrong" is what the classes'
softmax, margin included, gives to others than an image's own at the end, on 64
training images: 0 where the plain loss is saturated.

`gains_table.py` prints the table of such files, and draws the picture.
"""

import itertools
import json
import time
from pathlib import Path

import faces
import gains_table
import numpy as np
import settings
import tensorflow as tf
from absl import app
from absl import flags
from tensorflow import keras

from unpg_tf import backbones
from unpg_tf import data
from unpg_tf import layers
from unpg_tf import losses
from unpg_tf import models

FLAGS = flags.FLAGS
flags.DEFINE_string("data", None, "Folder of LFW and its protocol files.")
flags.DEFINE_list(
    "settings",
    "faces,faces-few,drawn-few,drawn-many",
    f"Where to train: {', '.join(settings.SETTINGS)}.",
)
flags.DEFINE_list("heads", "cosface", "Heads.")
flags.DEFINE_string(
    "losses",
    "margin unpg unpg:max_pair_share=0.1,max_target_ratio=10",
    "Losses, between blanks.",
)
flags.DEFINE_integer("first_seed", 0, "The first one of --seeds.")
flags.DEFINE_integer("seeds", 3, "Runs of each setting, head and loss.")
flags.DEFINE_string("part", "1/1", "Which of how many shares of the runs.")
flags.DEFINE_string("results", None, "File of results, to which lines go.")
flags.mark_flags_as_required(["data", "results"])

BATCH = 64
HEADS = {
    "cosface": (layers.CosFace, {"margin": 0.2}),
    "arcface": (layers.ArcFace, {"margin": 0.25}),
    "adaface": (layers.AdaFace, {"margin": 0.2}),
    "magface": (layers.MagFace, {"lower_margin": 0.2, "upper_margin": 0.4}),
    "mv_softmax": (layers.MVSoftmax, {"margin": 0.2}),
    "x2_softmax": (layers.X2Softmax, {}),
    "adacos": (layers.AdaCos, {}),
    "subcenter_arcface": (layers.SubcenterArcFace, {"margin": 0.25}),
    "uniface": (layers.UniFace, {"margin": 0.2}),
    "uss": (layers.USS, {}),
    "unitsface": (layers.UniTSFace, {"margin": 0.2}),
}
LOSSES = {
    "margin": losses.MarginLoss,
    "unpg": losses.UNPGLoss,
    "uce": losses.UCELoss,
    "unitsface": losses.UniTSFaceLoss,
    "upg": losses.UPGLoss,
    "mixface": losses.MixFaceLoss,
    "snpair": losses.SNPairLoss,
}
# Those whose scale is that of the loss.
SCALED = ("adacos", "uniface", "uss", "unitsface")


def main(argv):
    """Makes the runs that aren't there, and prints the table."""
    del argv
    # A thread a process: the small operations gain nothing from more.
    tf.config.threading.set_intra_op_parallelism_threads(1)
    tf.config.threading.set_inter_op_parallelism_threads(1)
    results = Path(FLAGS.results)
    results.parent.mkdir(parents=True, exist_ok=True)
    results.touch()
    for name in FLAGS.settings:
        _run_setting(name, results)
    print(gains_table.markdown(gains_table.read([results])))


def _run_setting(name, results):
    """Runs this process's share of a setting."""
    part, parts = map(int, FLAGS.part.split("/"))
    setting = settings.SETTINGS[name]
    seeds = range(FLAGS.first_seed, FLAGS.first_seed + FLAGS.seeds)
    runs = itertools.product(seeds, FLAGS.heads, FLAGS.losses.split())
    done = {
        (row["seed"], row["head"], row["loss"])
        for row in gains_table.read([results])
        if row["setting"] == name
    }
    share = list(runs)[part - 1 :: parts]
    left = [run for run in share if run not in done]
    if left:
        loaded = settings.load(setting, FLAGS.data)
    for seed, head, loss in left:
        key = {"setting": name, "head": head, "loss": loss, "seed": seed}
        start = time.monotonic()
        found = _run(setting, head, loss, seed, *loaded)
        with results.open("a") as file:
            file.write("".join(json.dumps(key | row) + "\n" for row in found))
        print(*key.values(), f"{time.monotonic() - start:.0f} s", flush=True)


def _run(setting, head, loss, seed, images, labels, tests):
    """A training, and a row of results for each test."""
    keras.backend.clear_session()
    keras.utils.set_random_seed(seed)
    backbone = backbones.build(
        "small",
        setting.size,
        faces.DIM,
        center_crop=faces.CROP,
        width=setting.width,
    )
    *own, loss = loss.split("/")
    steps = len(labels) // BATCH
    head = _head(own[0] if own else head, setting, int(labels.max()) + 1, steps)
    model = models.EmbeddingModel(backbone, head)
    keras.utils.set_random_seed(seed)
    _fit(model, loss, setting, images, labels, seed)
    wrong = _wrong(model, setting.scale, images, labels)
    rows = []
    for test, pairs in tests.items():
        values = faces.rates(model, *pairs)
        values = dict(zip(faces.COLUMNS, values, strict=True))
        rows.append({"test": test, **values, "wrong": wrong})
    return rows


def _fit(model, loss, setting, images, labels, seed):
    steps = len(labels) // BATCH
    schedule = keras.optimizers.schedules.CosineDecay(
        0.0,
        (setting.epochs - 1) * steps,
        warmup_target=0.1,
        warmup_steps=steps,
    )
    optimizer = keras.optimizers.SGD(schedule, momentum=0.9, weight_decay=5e-3)
    optimizer.exclude_from_weight_decay(var_names=["bias", "gamma", "beta"])
    phases = loss.split(">")
    ends = [setting.epochs * i // len(phases) for i in range(len(phases) + 1)]
    for phase, (first, end) in zip(
        phases, itertools.pairwise(ends), strict=True
    ):
        model.compile(optimizer, _loss(phase, setting.scale, model.head))
        batches = data.training_batches(
            images,
            labels,
            BATCH,
            augment=faces.AUGMENT,
            seed=seed,
            first_epoch=first,
        )
        model.fit(
            batches,
            initial_epoch=first,
            epochs=end,
            steps_per_epoch=steps,
            shuffle=False,
            verbose=0,
        )


def _options(text):
    """A name, and the numbers that follow it: `name:a=1,b=2`."""
    name, _, options = text.partition(":")
    pairs = (option.split("=") for option in options.split(",") if option)
    return name, {key: float(value) for key, value in pairs}


def _head(text, setting, num_classes, steps):
    name, options = _options(text)
    kind, defaults = HEADS[name]
    if name in SCALED:
        options["scale"] = setting.scale
    if name == "unitsface":  # Its authors' first epoch is CosFace's alone.
        options["cosface_steps"] = steps
    return kind(num_classes, **defaults | options)


def _loss(text, scale, head):
    name, options = _options(text)
    if name in ("mixface", "upg"):
        options["margin"] = head.margin
    # The scales of MixFace follow from what it compares.
    if name == "mixface":
        options["num_classes"] = head.num_classes
    else:
        options["scale"] = scale
    return LOSSES[name](embedding_dim=faces.DIM, **options)


def _wrong(model, scale, images, labels):
    rows = np.random.default_rng(0).permutation(len(labels))[:BATCH]
    embeddings = model(tf.cast(images[rows], tf.float32))
    cosines = model.head(embeddings, labels[rows])
    shares = tf.nn.softmax(scale * cosines).numpy()
    return float(1 - shares[np.arange(BATCH), labels[rows]].mean())


if __name__ == "__main__":
    app.run(main)
