r"""Trains on a sample of the classes, and on all, with all else equal.

    python benchmarks/convergence.py --data=lfw --output=runs/sampled.jsonl

trains a small network from scratch on the 4,038 people of LFW's DevTrain, 2.4
images of each, and measures it on all pairs of DevTest's people, of whom it
has seen none. Between the runs of a seed only the head's `sample_rate`
differs: docs/guides/million-classes.md.

Each run appends a line of JSON, and none is repeated, so that two processes
can share the --seeds; then the table is of all that are there.
"""

import itertools
import json
from pathlib import Path

import faces
import numpy as np
from absl import app
from absl import flags
from tensorflow import keras

from unpg_tf import backbones
from unpg_tf import data
from unpg_tf import layers
from unpg_tf import losses
from unpg_tf import models
from unpg_tf import optimizers

FLAGS = flags.FLAGS
flags.DEFINE_string("data", None, "Folder of LFW and its protocol files.")
flags.DEFINE_list("rates", ["1", "0.1"], "Values of sample_rate.")
flags.DEFINE_list("epochs", ["60"], "Lengths of the training.")
flags.DEFINE_list("seeds", ["1", "2", "3"], "A run of each, all else equal.")
flags.DEFINE_float("learning_rate", 0.1, "The backbone's, at its highest.")
flags.DEFINE_float("head_learning_rate", 1.0, "The head's.")
flags.DEFINE_enum("loss", "margin", ["margin", "unpg"], "Loss.")
flags.DEFINE_string("output", None, "File of results, to which lines go.")
flags.mark_flags_as_required(["data", "output"])

BATCH, MARGIN, SCALE, DECAY = 128, 0.2, 32.0, 5e-3
LOSSES = {"margin": losses.MarginLoss, "unpg": losses.UNPGLoss}
SETTINGS = ("loss", "head_learning_rate", "epochs", "rate")


def main(argv):
    """Makes the runs that aren't there, and prints the table."""
    del argv
    output = Path(FLAGS.output)
    output.parent.mkdir(parents=True, exist_ok=True)
    output.touch()
    train, test = faces.training_faces(FLAGS.data), faces.test_faces(FLAGS.data)
    for seed, epochs, rate in itertools.product(
        map(int, FLAGS.seeds), map(int, FLAGS.epochs), map(float, FLAGS.rates)
    ):
        run = {
            "loss": FLAGS.loss,
            "head_learning_rate": FLAGS.head_learning_rate,
            "epochs": epochs,
            "rate": rate,
            "seed": seed,
        }
        if not any(run.items() <= row.items() for row in _rows(output)):
            model = _trained(epochs, rate, seed, *train)
            values = faces.rates(model, *test)
            run.update(zip(faces.COLUMNS, values, strict=True))
            with output.open("a") as file:
                file.write(json.dumps(run) + "\n")
    print(_table(_rows(output)))


def _rows(output):
    return [json.loads(line) for line in output.read_text().splitlines()]


def _trained(epochs, rate, seed, images, labels):
    keras.utils.set_random_seed(seed)
    backbone = backbones.build(
        "small", faces.SIZE, faces.DIM, center_crop=faces.CROP, width=16
    )
    classes = int(labels.max()) + 1
    head = layers.CosFace(classes, margin=MARGIN, sample_rate=rate)
    model = models.EmbeddingModel(backbone, head)
    steps = len(labels) // BATCH
    loss = LOSSES[FLAGS.loss](scale=SCALE, embedding_dim=faces.DIM)
    model.compile(_optimizer(steps, epochs, head), loss)
    batches = data.training_batches(
        images, labels, BATCH, augment=faces.AUGMENT, seed=seed
    )
    model.fit(
        batches, epochs=epochs, steps_per_epoch=steps, shuffle=False, verbose=0
    )
    return model


def _optimizer(steps, epochs, head):
    rate = FLAGS.learning_rate
    schedule = keras.optimizers.schedules.CosineDecay(
        0.0, (epochs - 1) * steps, warmup_target=rate, warmup_steps=steps
    )
    made = optimizers.LazySGD(schedule, momentum=0.9, weight_decay=DECAY)
    made.exclude_from_weight_decay(var_names=["bias", "gamma", "beta"])
    factor = FLAGS.head_learning_rate / rate
    made.scale_learning_rate(factor, head.trainable_variables)
    return made


def _table(rows):
    """Markdown: mean and standard deviation of each setting's seeds."""
    titles = " | ".join((*SETTINGS, "seeds", *faces.COLUMNS))
    bars = "---|" * (len(SETTINGS) + 1 + len(faces.COLUMNS))
    lines = [f"| {titles} |", f"|{bars}"]

    def setting(row):
        return tuple(row[name] for name in SETTINGS)

    for key, runs in itertools.groupby(sorted(rows, key=setting), setting):
        values = np.array(
            [[run[name] for name in faces.COLUMNS] for run in runs]
        )
        cells = " | ".join(f"{part}" for part in (*key, len(values)))
        lines.append(f"| {cells} | {faces.spread(values)} |")
    return "\n".join(lines)


if __name__ == "__main__":
    app.run(main)
