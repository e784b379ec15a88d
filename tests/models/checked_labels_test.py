"""Tests of what is said of labels that can't be trained on."""

import contextlib

import numpy as np
import pytest
import tensorflow as tf
from tensorflow import keras

from unpg_tf import compat
from unpg_tf import layers
from unpg_tf import losses
from unpg_tf import models

ROWS, FEATURES, DIM, CLASSES = 8, 5, 4, 6
IMAGES = np.random.default_rng(0).normal(size=[ROWS, FEATURES])
LABELS = np.arange(ROWS) % CLASSES
NAMES = np.array([f"person {label}" for label in LABELS])
RANGE = "labels in [0, num_classes), whole numbers"
INVALID = tf.errors.InvalidArgumentError


def make_model():
    dense = keras.layers.Dense(DIM)
    backbone = keras.Sequential([keras.Input([FEATURES]), dense])
    model = models.EmbeddingModel(backbone, layers.CosFace(CLASSES))
    loss = losses.UNPGLoss(16.0, embedding_dim=DIM)
    model.compile("sgd", loss, metrics=["accuracy"])
    return model


def dataset(labels):
    return tf.data.Dataset.from_tensor_slices((IMAGES, labels)).batch(4)


def generator(labels):
    for rows in (slice(0, 4), slice(4, 8)):
        yield IMAGES[rows], labels[rows]


WAYS = {
    "fit": lambda model, y: model.fit(IMAGES, y, verbose=0),
    "evaluate": lambda model, y: model.evaluate(IMAGES, y, verbose=0),
    "train_on_batch": lambda model, y: model.train_on_batch(IMAGES, y),
    "test_on_batch": lambda model, y: model.test_on_batch(IMAGES, y),
    "fit_dataset": lambda model, y: model.fit(dataset(y), verbose=0),
    "evaluate_dataset": lambda model, y: model.evaluate(dataset(y), verbose=0),
    "validation": lambda model, y: model.fit(
        IMAGES, LABELS, validation_data=(IMAGES, y), verbose=0
    ),
    "validation_dataset": lambda model, y: model.fit(
        IMAGES, LABELS, validation_data=dataset(y), verbose=0
    ),
}
WRONG = {
    "fractions": (LABELS + 0.5, INVALID, RANGE),
    "scaled": (LABELS / 255, INVALID, RANGE),
    "from_one": (LABELS + 1, INVALID, RANGE),
    "negative": (LABELS - 1, INVALID, RANGE),
    "nan": (np.where(LABELS > 2, np.nan, LABELS), INVALID, RANGE),
    "names": (NAMES, ValueError, "integer labels (of names: np.unique("),
    "objects": (NAMES.astype(object), ValueError, "integer labels"),
    "one_hot": (np.eye(CLASSES)[LABELS], ValueError, "tf.argmax(labels"),
    "two": (
        {"person": LABELS, "age": LABELS},
        ValueError,
        "one entry in labels, for one output",
    ),
}


def assert_says(model, way, labels, kind, expected):
    with pytest.raises(kind) as error:
        WAYS[way](model, labels)
    message = str(error.value)
    assert message.startswith("Expected ") and expected in message
    assert "\n" not in message


@pytest.mark.parametrize("name", WRONG)
def test_wrong_labels_are_told_in_one_line(name):
    labels, kind, expected = WRONG[name]
    model = make_model()
    for way in ("fit", "fit_dataset"):
        assert_says(model, way, labels, kind, expected)


@pytest.mark.parametrize("way", sorted(WAYS))
def test_every_way_in_tells_of_wrong_labels(way):
    assert_says(make_model(), way, LABELS + 1, INVALID, f"{RANGE}. Received: ")


def test_a_label_of_a_generator_is_told_by_the_step():
    model = make_model()
    with pytest.raises(INVALID) as error:
        model.fit(generator(LABELS + 1), verbose=0)
    assert str(error.value) == (
        f"Expected {RANGE}. Received: num_classes = 6 and a label of 6 among "
        "labels from 1 to 6"
    )


def test_images_of_unknown_rank_are_refused_where_keras_needs_it():
    rows = dataset(LABELS).map(
        lambda x, y: (tf.py_function(tf.identity, [x], x.dtype), y)
    )
    inputs = keras.Input([FEATURES])
    model = make_model()
    flat = keras.layers.Flatten()(inputs)
    model.backbone = keras.Model(inputs, keras.layers.Dense(DIM)(flat))
    expected = "Expected images of known rank"
    refusal = pytest.raises(ValueError, match=expected)
    with refusal if compat.IS_KERAS_3 else contextlib.nullcontext():
        model.fit(rows, verbose=0)


def test_refuses_a_list_of_numbers():
    with pytest.raises(ValueError, match="Expected labels in an array"):
        make_model().fit(IMAGES, LABELS.tolist(), verbose=0)


@pytest.mark.parametrize("form", [lambda y: {"id": y}, lambda y: (y,)])
def test_labels_may_be_the_only_entry(form):
    model = make_model()
    for way in ("evaluate", "evaluate_dataset"):
        expected, found = (WAYS[way](model, y) for y in (LABELS, form(LABELS)))
        np.testing.assert_allclose(found, expected, rtol=1e-6)
