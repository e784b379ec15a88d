"""Arrays and tensors of a wrong shape or dtype, and what they are told."""

import re

import numpy as np
import pytest
import tensorflow as tf

from unpg_tf import data
from unpg_tf import evaluation
from unpg_tf import layers
from unpg_tf import losses
from unpg_tf import metrics

CLASSES, DIM, ROWS = 5, 3, 4
LABELS = np.arange(ROWS)
EMBEDDINGS = np.eye(ROWS, DIM, dtype=np.float32)
Y_PRED = np.ones([ROWS, CLASSES + DIM], np.float32)
IMAGES = np.zeros([ROWS, 16, 16, 3], np.uint8)
NAMES = np.full([ROWS], "Ada")
SIMILARITIES, SAME = np.linspace(0, 1, ROWS), LABELS % 2 == 0


def head(embeddings=EMBEDDINGS, labels=LABELS):
    built = layers.ArcFace(CLASSES)
    built.build((None, DIM))
    return built(embeddings, labels)


def sampled(embeddings=EMBEDDINGS, labels=LABELS):
    built = layers.ArcFace(CLASSES, sample_rate=0.5)
    built.build((None, DIM))
    return built.sampled(tf.constant(embeddings), labels)


def unpg(labels=LABELS, y_pred=Y_PRED):
    return losses.UNPGLoss(embedding_dim=DIM)(labels, y_pred)


def n_pair(labels=LABELS, y_pred=Y_PRED):
    return losses.NPairLoss(embedding_dim=DIM)(labels, y_pred)


def batches(images=IMAGES, labels=LABELS):
    return data.training_batches(images, labels, 2)


def pairs(embeddings=EMBEDDINGS, left=(0, 1), right=(2, 3), same=(True, False)):
    return evaluation.evaluate_embeddings(
        embeddings, left, right, same, threshold=0.5
    )


def roc(similarities=SIMILARITIES, same=SAME):
    return metrics.roc_curve(similarities, same)


def accuracy(similarities=SIMILARITIES, same=SAME):
    return metrics.accuracy_at(similarities, same, 0.5)


def folds(fold=LABELS // 2):
    return metrics.fold_accuracy(SIMILARITIES, SAME, fold)


def matches(probes=EMBEDDINGS, gallery=EMBEDDINGS):
    return metrics.top_matches(probes, gallery, 1)


def distractors(labels=(0, 0, 1, 1), strangers=EMBEDDINGS):
    return metrics.identify_among_distractors(EMBEDDINGS, labels, strangers)


def templates(template=LABELS, media=LABELS, scores=None):
    return evaluation.pool_templates(EMBEDDINGS, template, media, scores)


RIGHT = (head, sampled, unpg, n_pair, batches, pairs, roc, accuracy, folds)
WRONG = [
    (head, "embeddings", EMBEDDINGS[:, 0], "[batch, dim]"),
    (head, "embeddings", EMBEDDINGS[:, :2], "dimension 3"),
    (head, "embeddings", np.eye(ROWS, DIM, dtype=np.int32), "floats"),
    (head, "labels", LABELS[:3], "a label for each of 4 rows"),
    (head, "labels", LABELS[:1], "a label for each of 4 rows"),
    (head, "labels", np.eye(ROWS, CLASSES), "tf.argmax(labels, axis=-1)"),
    (head, "labels", tf.sparse.eye(ROWS, CLASSES), "one dense tensor"),
    (head, "labels", NAMES, "integer labels (of names: np.unique"),
    (sampled, "embeddings", EMBEDDINGS[:, :2], "dimension 3"),
    (sampled, "labels", LABELS[:3], "a label for each of 4 rows"),
    (unpg, "labels", LABELS[:3], "a label for each of 4 rows"),
    (unpg, "labels", np.eye(ROWS, CLASSES), "[batch] or [batch, 1]"),
    (unpg, "y_pred", Y_PRED[0], "num_classes + embedding_dim"),
    (unpg, "y_pred", EMBEDDINGS, "num_classes + embedding_dim"),
    (n_pair, "labels", LABELS[:3], "a label for each of 4 rows"),
    (n_pair, "y_pred", EMBEDDINGS[:, :2], "at least 3 columns"),
    (batches, "images", IMAGES[..., :1], "[n, size, size, 3]"),
    (batches, "images", IMAGES[..., 0], "[n, size, size, 3]"),
    (batches, "images", IMAGES[:3], "3 labels"),
    (batches, "labels", LABELS[:, np.newaxis], "shape [n], integers"),
    (batches, "labels", LABELS + 0.5, "shape [n], integers"),
    (batches, "labels", NAMES, "shape [n], integers"),
    (pairs, "embeddings", EMBEDDINGS[0], "embeddings [n, dim]"),
    (pairs, "embeddings", EMBEDDINGS.astype(str), "floats"),
    (pairs, "embeddings", EMBEDDINGS * np.nan, "finite embeddings"),
    (pairs, "left", (0,), "left [pairs]"),
    (pairs, "left", (0, 9), "indices in 0..3"),
    (pairs, "left", (0, -1), "indices in 0..3"),
    (pairs, "right", (0.5, 1.0), "integers"),
    (pairs, "same", (1, 0), "dtype bool"),
    (roc, "similarities", NAMES, "numbers"),
    (roc, "similarities", SIMILARITIES[:3], "one shape"),
    (roc, "similarities", SIMILARITIES * np.nan, "finite similarities"),
    (roc, "same", LABELS, "dtype bool"),
    (roc, "same", SAME | True, "pairs of two"),
    (accuracy, "similarities", SIMILARITIES[:1], "one shape"),
    (folds, "fold", LABELS[:3], "fold of shape (4,)"),
    (folds, "fold", LABELS * 0, "two folds or more"),
    (matches, "probes", EMBEDDINGS[0], "probes [n, dim]"),
    (matches, "gallery", EMBEDDINGS[:, :2], "gallery [m, dim]"),
    (matches, "probes", EMBEDDINGS * np.nan, "finite"),
    (distractors, "labels", (0, 0), "one for each probe"),
    (distractors, "labels", (0, 1, 2, 3), "two"),
    (distractors, "strangers", EMBEDDINGS[:, :2], "gallery [m, dim]"),
    (templates, "template", LABELS[:3], "template"),
    (templates, "media", LABELS[:3], "media"),
    (templates, "scores", np.ones(3), "scores"),
]


@pytest.mark.parametrize(("function", "name", "value", "expected"), WRONG)
def test_a_wrong_tensor_is_told_what_was_expected(
    function, name, value, expected
):
    message = f"(?s)Expected .*{re.escape(expected)}.*Received: "
    with pytest.raises(ValueError, match=message):
        function(**{name: value})


@pytest.mark.parametrize("function", RIGHT)
def test_the_right_ones_pass(function):
    assert function() is not None
