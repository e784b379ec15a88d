r"""Searches for where UNPG helps: settings, losses and seeds, all else equal.

    python benchmarks/gains.py --data=lfw --output=runs/gains.jsonl

trains a small network from scratch in each setting, on LFW's faces or on drawn
identities, in under a minute of CPU time a run, and measures it on all pairs
of people that it hasn't seen. Within a setting and a seed all losses start
from the same weights and see the same batches. --losses names them, the one to
compare with first: `margin`; `unpg`, its options after a colon, as in
`unpg:whisker=0.5,pair_weight=0.01`; `margin>unpg` changes after half of the
epochs.

Each run appends a line of JSON, and none is repeated. The column "unlearned"
is what the classes' softmax, margin included, gives to others than an image's
own at the end, on 64 training images: 0 where the plain loss is saturated.
"""

import dataclasses
import itertools
import json
from pathlib import Path

import faces
import numpy as np
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
flags.DEFINE_list("settings", "faces,drawn-few,drawn-many", "Where to train.")
flags.DEFINE_string(
    "losses",
    "margin unpg unpg:whisker=0.5 unpg:pair_weight=0.01 "
    "unpg:max_pair_share=0.1 unpg:max_pair_share=0.2 unpg:max_pair_share=0.5",
    "Losses, between blanks.",
)
flags.DEFINE_integer("seeds", 3, "Runs of each setting and loss.")
flags.DEFINE_string("output", None, "File of results, to which lines go.")
flags.mark_flags_as_required(["data", "output"])

BATCH, SCALE, MARGIN = 64, 32.0, 0.2
STRENGTHS = data.Strengths(0.7, 0.7, 0.7, 0.7)
COLUMNS = (*faces.COLUMNS, "unlearned")


@dataclasses.dataclass(frozen=True)
class Setting:
    """What is trained on, and for how long."""

    identities: int | None = None  # None: those of LFW's DevTrain
    images: int = 2  # of each; of LFW's at least
    epochs: int = 12


SETTINGS = {
    "faces": Setting(),
    "faces-short": Setting(epochs=4),
    "faces-few": Setting(images=20, epochs=48),
    "drawn-few": Setting(identities=50, images=160),
    "drawn-many": Setting(identities=3000, images=3),
}


def main(argv):
    """Makes the runs that aren't there, and prints the table."""
    del argv
    output = Path(FLAGS.output)
    output.parent.mkdir(parents=True, exist_ok=True)
    output.touch()
    rows = [json.loads(line) for line in output.read_text().splitlines()]
    results = {(r["setting"], r["seed"], r["loss"]): r for r in rows}
    kinds = FLAGS.losses.split()
    for name in FLAGS.settings:
        setting = SETTINGS[name]
        sets = _drawn(setting) if setting.identities else _faces(setting)
        for run in itertools.product([name], range(FLAGS.seeds), kinds):
            if run not in results:
                results[run] = _run(*run, *sets)
                with output.open("a") as file:
                    file.write(json.dumps(results[run]) + "\n")
    print(_table(results, kinds))


def _faces(setting):
    train = faces.training_faces(FLAGS.data, setting.images)
    return [*train, *faces.test_faces(FLAGS.data)]


def _drawn(setting):
    train = data.labelled_images(
        setting.identities, setting.images, faces.SIZE, strengths=STRENGTHS
    )
    labels, views = np.divmod(np.arange(3200), 8)
    others = 1_000_000 + labels
    return [*train, data.draw(others, views, faces.SIZE, STRENGTHS), labels]


def _run(name, seed, loss, images, labels, test_images, test_labels):
    keras.utils.set_random_seed(seed)
    backbone = backbones.build(
        "small", faces.SIZE, faces.DIM, center_crop=faces.CROP, width=16
    )
    head = layers.CosFace(int(labels.max()) + 1, margin=MARGIN)
    model = models.EmbeddingModel(backbone, head)
    keras.utils.set_random_seed(seed)
    _fit(model, loss, SETTINGS[name].epochs, images, labels, seed)
    values = [*faces.rates(model, test_images, test_labels)]
    values.append(_unlearned(model, images, labels))
    values = dict(zip(COLUMNS, values, strict=True))
    return {"setting": name, "seed": seed, "loss": loss, **values}


def _fit(model, loss, epochs, images, labels, seed):
    steps = len(labels) // BATCH
    schedule = keras.optimizers.schedules.CosineDecay(
        0.0, (epochs - 1) * steps, warmup_target=0.1, warmup_steps=steps
    )
    optimizer = keras.optimizers.SGD(schedule, momentum=0.9, weight_decay=5e-3)
    optimizer.exclude_from_weight_decay(var_names=["bias", "gamma", "beta"])
    phases = loss.split(">")
    ends = [epochs * i // len(phases) for i in range(len(phases) + 1)]
    for phase, (first, end) in zip(
        phases, itertools.pairwise(ends), strict=True
    ):
        model.compile(optimizer, _loss(phase))
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


def _loss(text):
    kind, _, options = text.partition(":")
    pairs = (option.split("=") for option in options.split(",") if option)
    kind = {"margin": losses.MarginLoss, "unpg": losses.UNPGLoss}[kind]
    options = {name: float(value) for name, value in pairs}
    return kind(scale=SCALE, embedding_dim=faces.DIM, **options)


def _unlearned(model, images, labels):
    rows = np.random.default_rng(0).permutation(len(labels))[:BATCH]
    embeddings = model(tf.cast(images[rows], tf.float32))
    cosines = model.head(embeddings, labels[rows])
    shares = tf.nn.softmax(SCALE * cosines).numpy()
    return float(1 - shares[np.arange(BATCH), labels[rows]].mean())


def _table(results, kinds):
    """Markdown: the first loss, and the others' differences from it."""
    lines = [
        f"| setting | loss | {' | '.join(COLUMNS)} |",
        "|---" * (2 + len(COLUMNS)) + "|",
    ]
    for name in FLAGS.settings:
        values = {
            loss: np.array(
                [
                    [results[name, seed, loss][column] for column in COLUMNS]
                    for seed in range(FLAGS.seeds)
                ]
            )
            for loss in kinds
        }
        first, *others = kinds
        lines.append(f"| {name} | {first} | {faces.spread(values[first])} |")
        for loss in others:
            change = values[loss] - values[first]
            cells = faces.spread(change, "{:+.3f} ± {:.3f}")
            lines.append(f"| {name} | {loss} | {cells} |")
    return "\n".join(lines)


if __name__ == "__main__":
    app.run(main)
