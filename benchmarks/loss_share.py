"""How much of a whole training step the head and its loss are.

    python benchmarks/loss_share.py --backbones=small,iresnet34

times `train_on_batch` of a backbone alone, whose embeddings are drawn to zero,
and of `CosFace` with `MarginLoss` or `UNPGLoss` on embeddings that lie ready
(a batch normalisation stands for the backbone, so that their gradient is
needed): head, loss, gradients, and the update of the class centres by SGD with
momentum. Their share is of the sum of both. Reading and decoding images, which
would make it smaller, is left out. Times are medians of the processor's.
"""

import os
import time

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np  # noqa: E402
import tensorflow as tf  # noqa: E402
from absl import app  # noqa: E402
from absl import flags  # noqa: E402
from tensorflow import keras  # noqa: E402

from unpg_tf import backbones  # noqa: E402
from unpg_tf import layers  # noqa: E402
from unpg_tf import losses  # noqa: E402
from unpg_tf import models  # noqa: E402

FLAGS = flags.FLAGS
flags.DEFINE_list("backbones", ["small", "iresnet34"], "As in unpg train.")
flags.DEFINE_integer("image_size", 112, "Height and width, in pixels.", 9)
flags.DEFINE_integer("embedding_dim", 512, "Of the embeddings.", 1)
flags.DEFINE_integer("batch_size", 64, "Images in a step.", 2)
flags.DEFINE_integer("classes", 10_000, "Class centres.", 2)
flags.DEFINE_integer("turns", 5, "Steps of each.", 1)
flags.DEFINE_bool("xla", False, "Compile the steps by XLA.")


def main(_):
    """Prints the table."""
    print(
        f"{FLAGS.batch_size} images of {FLAGS.image_size} pixels, "
        f"{FLAGS.classes} classes, {FLAGS.embedding_dim} dimensions, "
        f"TensorFlow {tf.__version__}\n\n"
        "| backbone | seconds without | margin | unpg |\n|---|---|---|---|"
    )
    rng = np.random.default_rng(0)
    labels = rng.integers(0, FLAGS.classes, FLAGS.batch_size)
    embeddings = rng.normal(size=[FLAGS.batch_size, FLAGS.embedding_dim])
    shape = [FLAGS.batch_size, FLAGS.image_size, FLAGS.image_size, 3]
    images = rng.uniform(0, 255, shape).astype("float32")
    heads = [
        _seconds(_head(loss), embeddings.astype("float32"), labels)
        for loss in (losses.MarginLoss, losses.UNPGLoss)
    ]
    for name in FLAGS.backbones:
        without = _seconds(_backbone(name), images, labels)
        shares = [f"{head / (head + without):.2%}" for head in heads]
        print(f"| {' | '.join([name, f'{without:.2f}', *shares])} |")


def _seconds(model, *batch):
    """The processor's seconds of a step, the first apart, which compiles."""
    model.train_on_batch(*batch)
    times = []
    for _ in range(FLAGS.turns):
        start = time.process_time()
        model.train_on_batch(*batch)
        times.append(time.process_time() - start)
    return np.median(times)


def _backbone(name):
    model = backbones.build(name, FLAGS.image_size, FLAGS.embedding_dim)
    return _compiled(model, lambda _, embeddings: tf.square(embeddings))


def _head(loss):
    stand_in = keras.Sequential(
        [
            keras.layers.InputLayer((FLAGS.embedding_dim,)),
            keras.layers.BatchNormalization(),
        ]
    )
    model = models.EmbeddingModel(stand_in, layers.CosFace(FLAGS.classes))
    return _compiled(model, loss(embedding_dim=FLAGS.embedding_dim))


def _compiled(model, loss):
    optimizer = keras.optimizers.SGD(1e-4, momentum=0.9)
    model.compile(optimizer, loss, jit_compile=FLAGS.xla)
    return model


if __name__ == "__main__":
    app.run(main)
