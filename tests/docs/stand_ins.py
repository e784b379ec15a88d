"""Small things in the place of a reader's own, for the blocks to run on.

Pages call them in HTML comments, `<!-- test … -->`, before a block.
"""

import json
from pathlib import Path

import numpy as np
import tensorflow as tf
from tensorflow import keras

from tests.docs.pages import ROOT
from tests.faces import drawn
from unpg_tf import data
from unpg_tf import layers
from unpg_tf import losses
from unpg_tf import models

SIZE, DIM, CLASSES = 32, 64, 20


def labelled(classes=CLASSES, images=2, image_size=SIZE):
    """Images and labels, each class as often."""
    return data.labelled_images(classes, images, image_size)


def dataset(classes=CLASSES, image_size=SIZE, as_dictionary=False):
    """One batch of images and labels."""
    images, labels = labelled(classes, 1, image_size)
    inputs = {"images": images, "labels": labels} if as_dictionary else images
    return tf.data.Dataset.from_tensor_slices((inputs, labels)).batch(8)


def embeddings(rows, dim, classes):
    """Random vectors, and classes in turn."""
    vectors = np.random.default_rng(0).normal(size=(rows, dim))
    labels = np.arange(rows) % classes
    return tf.constant(vectors, tf.float32), tf.constant(labels, tf.int32)


def backbone(embedding_dim=DIM, image_size=SIZE):
    """The smallest network."""
    images = keras.Input((image_size, image_size, 3))
    pooled = keras.layers.AveragePooling2D(8)(images)
    pooled = keras.layers.Flatten()(keras.layers.Rescaling(1 / 255)(pooled))
    return keras.Model(images, keras.layers.Dense(embedding_dim)(pooled))


def model_maker(classes=CLASSES):
    """A function that makes a compiled `EmbeddingModel`."""

    def make_model():
        model = models.EmbeddingModel(backbone(), layers.CosFace(classes))
        model.compile("sgd", losses.UNPGLoss(embedding_dim=DIM))
        return model

    return make_model


def trained_model(path):
    """A model's file, as a training leaves it."""
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    model_maker()().save(path)


def report(path):
    """A report's file, as an evaluation leaves it."""
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    Path(path).write_text(json.dumps({"threshold": 0.3, "flip": True}))


def saved_models():
    """The folder of exported models that the repository has."""
    Path("saved_models").symlink_to(ROOT / "saved_models")


def photos(*paths):
    """JPEG files."""
    images = data.draw(range(len(paths)), [0] * len(paths), SIZE)
    for path, image in zip(paths, images, strict=True):
        Path(path).parent.mkdir(parents=True, exist_ok=True)
        Path(path).write_bytes(tf.io.encode_jpeg(image).numpy())


def people(folder, count, images, size):
    """A folder with a folder of images per identity, as LFW has it."""
    for identity in range(count):
        name = f"Person_{identity}"
        drawn = data.draw([identity] * images, range(images), size)
        for number, image in enumerate(drawn, start=1):
            path = Path(folder, name, f"{name}_{number:04d}.jpg")
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(tf.io.encode_jpeg(image).numpy())


def pairs_file(path, folder):
    """A file of pairs, in LFW's format, of the people in a folder."""
    names = sorted(p.name for p in Path(folder).iterdir() if p.is_dir())
    same = [f"{name}\t1\t2" for name in names]
    others = names[1:] + names[:1]
    different = [f"{a}\t1\t{b}\t1" for a, b in zip(names, others, strict=True)]
    Path(path).write_text("\n".join([str(len(names)), *same, *different]))


def faces(folder, module):
    """Photos with a drawn face, and a module whose `scrfd` finds it."""
    drawn.people(folder, "Ada_Lovelace/IMG_0001.png")
    text = "from tests.faces.drawn import detect as scrfd\n"
    Path(module).write_text(text)
