"""Tests of the losses that an `EmbeddingModel` is compiled with."""

import functools

import numpy as np
import pytest
from tensorflow import keras

from tests import heads
from tests import oracle
from unpg_tf import layers
from unpg_tf import losses
from unpg_tf import models

ROWS, DIM, CLASSES, SCALE = 8, 4, 6, 16.0
EMBEDDINGS, LABELS, CENTERS = heads.batch(ROWS, DIM, CLASSES)


class Around(keras.losses.Loss):
    """A loss of a user's, about one of this package."""

    def __init__(self, loss):
        super().__init__()
        self.inner = loss

    def call(self, y_true, y_pred):
        return self.inner.call(y_true, y_pred)


# name: a loss -> what a user may compile in its stead.
FORMS = {
    "itself": lambda loss: loss,
    "list": lambda loss: [loss],
    "tuple": lambda loss: (loss,),
    "dict": lambda loss: {"output_1": loss},
    "function": lambda loss: lambda y_true, y_pred: loss(y_true, y_pred),
    "subclass": Around,
}


def make_model(loss, head=None, **options):
    """A model whose embeddings are EMBEDDINGS, of a batch of its images."""
    dense = keras.layers.Dense(DIM, use_bias=False)
    backbone = keras.Sequential([keras.Input([ROWS]), dense])
    model = models.EmbeddingModel(backbone, head or layers.MagFace(CLASSES))
    dense.kernel.assign(EMBEDDINGS)
    model.head.centers.assign(CENTERS)
    model.compile("sgd", loss, **options)
    return model


def evaluate(model, labels=LABELS):
    images = np.eye(ROWS, dtype="float32")
    return model.evaluate(images, labels, batch_size=ROWS, verbose=0)


@pytest.mark.parametrize("form", FORMS)
def test_a_loss_has_the_heads_penalty_in_any_form(form):
    loss = losses.UNPGLoss(SCALE, embedding_dim=DIM)
    norms = oracle.norms_of(EMBEDDINGS)
    cosines = oracle.cosines_of(EMBEDDINGS, CENTERS)
    cosines = oracle.magface(cosines, norms, LABELS)
    rows = oracle.unpg_losses(cosines, EMBEDDINGS, LABELS, SCALE, 1.5)
    expected = np.mean(rows + oracle.magface_penalty(norms))
    found = evaluate(make_model(FORMS[form](loss)))
    np.testing.assert_allclose(found, expected, rtol=1e-5)
    assert loss.norm_penalty is None


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("name", ["UNPGLoss", "TripletSemiHardLoss"])
def test_refuses_a_loss_for_other_embeddings_in_any_form(name, form):
    loss = getattr(losses, name)(embedding_dim=DIM - 1)
    message = f"Expected a loss with embedding_dim={DIM}, as the backbone has"
    with pytest.raises(ValueError, match=message):
        evaluate(make_model(FORMS[form](loss)))


@pytest.mark.parametrize("weights", [2.0, [2.0], {"output_1": 2.0}])
def test_a_weight_is_that_of_the_one_loss(weights):
    loss = losses.MarginLoss(SCALE, embedding_dim=DIM)
    expected = 2.0 * evaluate(make_model(loss))
    form = {"output_1": loss} if isinstance(weights, dict) else [loss]
    found = evaluate(make_model(form, loss_weights=weights))
    np.testing.assert_allclose(found, expected, rtol=1e-6)


@pytest.mark.parametrize("several", [list, lambda two: dict(enumerate(two))])
def test_refuses_several_losses(several):
    loss = losses.MarginLoss(SCALE, embedding_dim=DIM)
    with pytest.raises(ValueError, match="Expected one entry in loss, for one"):
        make_model(several([loss, loss]))


@pytest.mark.parametrize(
    "loss",
    [
        "sparse_categorical_crossentropy",
        ["mse"],
        keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        keras.losses.sparse_categorical_crossentropy,
        functools.partial(keras.losses.sparse_categorical_crossentropy, axis=1),
    ],
)
def test_refuses_a_loss_of_keras(loss):
    with pytest.raises(ValueError, match="hands it y_pred.:, :num_classes"):
        make_model(loss)


def test_a_loss_of_keras_may_take_the_cosines():
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model = make_model(
        lambda y_true, y_pred: loss(y_true, SCALE * y_pred[:, :CLASSES]),
        layers.CosFace(CLASSES),
    )
    expected = make_model(
        losses.MarginLoss(SCALE, embedding_dim=DIM), layers.CosFace(CLASSES)
    )
    np.testing.assert_allclose(evaluate(model), evaluate(expected), rtol=1e-5)


@pytest.mark.parametrize("form", ["function", "subclass"])
def test_refuses_a_loss_without_scale_for_sampled_classes(form):
    loss = losses.MarginLoss(SCALE, embedding_dim=DIM)
    model = make_model(
        FORMS[form](loss), layers.CosFace(CLASSES, sample_rate=0.5)
    )
    images = np.eye(ROWS, dtype="float32")
    with pytest.raises(ValueError, match="with the attribute scale"):
        model.fit(images, LABELS, verbose=0)
