"""Makes the small model that lies in saved_models/sample, in minutes.

    python benchmarks/sample_model.py --output=saved_models/sample/1 --overwrite

A narrow `small` backbone learns drawn identities under CosFace and UNPG, is
evaluated on drawn identities that it hasn't seen, and is exported with the
threshold of that evaluation. It is there to try serving with: it knows no
faces. images/ beside the version gets two images each of two identities that
it hasn't seen. Nothing is downloaded, and no licence but the project's applies.
"""

from pathlib import Path

import tensorflow as tf
from absl import app
from absl import flags
from absl import logging
from tensorflow import keras

from unpg_tf import backbones
from unpg_tf import data
from unpg_tf import evaluation
from unpg_tf import layers
from unpg_tf import losses
from unpg_tf import models
from unpg_tf import serving
from unpg_tf.cli import failures

FLAGS = flags.FLAGS
flags.DEFINE_string("output", "saved_models/sample/1", "Folder to write.")
flags.DEFINE_bool("overwrite", False, "Replace a SavedModel at --output.")
flags.DEFINE_integer("identities", 2000, "Drawn identities.", lower_bound=2)
flags.DEFINE_integer("epochs", 20, "Passes over the images.", lower_bound=1)
flags.DEFINE_integer("pairs", 2000, "Pairs to evaluate on.", lower_bound=400)

IMAGE_SIZE, EMBEDDING_DIM, WIDTH = 32, 64, 8
IMAGES_EACH, BATCH_SIZE, SEED = 8, 128, 1

# Of a hundred strangers one may pass.
FAR = 0.01
# Beyond the identities of training and evaluation.
ANNA = 5_000_000


def main(argv):
    """Makes the model; exits with 1 and a message on an error."""
    if len(argv) > 1:
        raise app.UsageError(f"Expected flags only. Received: {argv[1:]}")
    # What TensorFlow says about saving names its own nodes and hidden folders.
    logging.set_verbosity(logging.WARNING)
    with failures.told_by("sample_model.py"):
        keras.utils.set_random_seed(SEED)
        model = _trained()
        report = _evaluated(model)
        _export(model, report)
        _draw_strangers(Path(FLAGS.output).parent / "images")
    print(f"{FLAGS.output}: AUC {report['auc']:.4f} on drawn identities")


def _trained():
    images, labels = data.labelled_images(
        FLAGS.identities, IMAGES_EACH, IMAGE_SIZE
    )
    backbone = backbones.small(
        IMAGE_SIZE, EMBEDDING_DIM, width=WIDTH, dropout=0.0, name="sample"
    )
    model = models.EmbeddingModel(
        backbone, layers.CosFace(FLAGS.identities, margin=0.2)
    )
    steps = len(labels) // BATCH_SIZE
    schedule = keras.optimizers.schedules.CosineDecay(0.1, FLAGS.epochs * steps)
    model.compile(
        keras.optimizers.AdamW(schedule, weight_decay=0.01),
        losses.UNPGLoss(scale=32.0, embedding_dim=EMBEDDING_DIM),
        metrics=["accuracy"],
    )
    model.fit(
        data.training_batches(images, labels, BATCH_SIZE, seed=SEED),
        steps_per_epoch=steps,
        epochs=FLAGS.epochs,
        shuffle=False,
        verbose=2,
    )
    return model


def _evaluated(model):
    pairs = evaluation.synthetic_pairs(FLAGS.pairs, IMAGE_SIZE)
    embedder = evaluation.Embedder(model, flip=False)
    return evaluation.evaluate_pairs(embedder, pairs).report


def _export(model, report):
    serving.save(
        model,
        FLAGS.output,
        threshold=report["threshold_at_far"][str(FAR)],
        false_accept_rate=FAR,
        overwrite=FLAGS.overwrite,
        card={
            "data": f"{FLAGS.identities} drawn identities, {IMAGES_EACH} "
            "images each, of unpg_tf.data.draw: no faces",
            "training": {"epochs": FLAGS.epochs, "batch_size": BATCH_SIZE},
            "evaluation": report,
            "licence": "Apache-2.0",
        },
    )


def _draw_strangers(folder):
    folder.mkdir(exist_ok=True)
    names = ["anna_1", "anna_2", "bert_1", "bert_2"]
    # Well-lit photos, so to speak: milder than what it was trained on.
    mild = data.Strengths(pose=0.2, light=0.2, occlusion=0.2, noise=0.2)
    identities, views = [ANNA, ANNA, ANNA + 1, ANNA + 1], [0, 1, 0, 1]
    images = data.draw(identities, views, IMAGE_SIZE, mild)
    for name, image in zip(names, images, strict=True):
        path = folder / f"{name}.png"
        path.write_bytes(tf.io.encode_png(image).numpy())


if __name__ == "__main__":
    app.run(main)
