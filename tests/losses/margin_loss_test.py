"""Tests of the softmax loss, and of what UNPGLoss has in common with it."""

import functools
import json

import numpy as np
import pytest
import tensorflow as tf
from tensorflow import keras

from tests import heads
from tests import oracle
from unpg_tf import layers
from unpg_tf import losses

ROWS, DIM, CLASSES, SCALE = 10, 6, 5, 16.0
EMBEDDINGS, LABELS, CENTERS = heads.batch(ROWS, DIM, CLASSES)
COSINES = oracle.cosines_of(EMBEDDINGS, CENTERS)
PENALTY = layers.MagnitudePenalty(10.0, 110.0, weight=35.0)

# Active as a bound in some of these rows, and not in others.
SHARE = 0.4

LOSSES = {
    "margin": losses.MarginLoss,
    "unpg": losses.UNPGLoss,
    "bounded": functools.partial(losses.UNPGLoss, max_pair_share=SHARE),
}
every_loss = pytest.mark.parametrize("name", sorted(LOSSES))


def make(name, **arguments):
    arguments = {"scale": SCALE, "embedding_dim": DIM, **arguments}
    return LOSSES[name](**arguments)


def expected_losses(name):
    if name == "margin":
        return oracle.softmax_losses(COSINES, LABELS, SCALE)
    share = SHARE if name == "bounded" else 1.0
    return oracle.unpg_losses(
        COSINES, EMBEDDINGS, LABELS, SCALE, 1.5, max_pair_share=share
    )


IS_BOUNDED = expected_losses("bounded") < expected_losses("unpg")


def differentiable_losses(name, cosines=COSINES, embeddings=EMBEDDINGS):
    """What has the gradient of the losses, everywhere about these values."""
    if name == "margin":
        return oracle.softmax_losses(cosines, LABELS, SCALE)
    return oracle.unpg_losses_of_shares(
        cosines,
        embeddings,
        LABELS,
        SCALE,
        1.5,
        SHARE,
        IS_BOUNDED & (name == "bounded"),
    )


def prediction(dtype="float32", embeddings=EMBEDDINGS):
    return tf.constant(np.concatenate([COSINES, embeddings], axis=1), dtype)


@every_loss
@pytest.mark.parametrize(
    ("dtype", "tolerance"), [("float32", 1e-5), ("float64", 1e-12)]
)
def test_value_is_the_papers(name, dtype, tolerance):
    found = make(name).call(LABELS, prediction(dtype))
    assert found.dtype == dtype
    np.testing.assert_allclose(
        found, expected_losses(name), rtol=tolerance, atol=tolerance
    )


@every_loss
def test_gradients_are_the_numeric_ones_of_the_oracle(name):
    y_pred = prediction("float64")
    with tf.GradientTape() as tape:
        tape.watch(y_pred)
        total = tf.reduce_mean(make(name).call(LABELS, y_pred))
    slopes = tape.gradient(total, y_pred).numpy()
    for part, function, point in (
        (
            slopes[:, :CLASSES],
            lambda x: differentiable_losses(name, x),
            COSINES,
        ),
        (
            slopes[:, CLASSES:],
            lambda x: differentiable_losses(name, COSINES, x),
            EMBEDDINGS,
        ),
    ):
        numeric = oracle.gradient(lambda x, f=function: f(x).mean(), point)
        np.testing.assert_allclose(part, numeric, atol=1e-7)
    assert (np.abs(slopes[:, CLASSES:]).max() > 1e-4) == (name != "margin")


def test_some_of_these_rows_are_bounded():
    assert {*IS_BOUNDED} == {True, False}


@every_loss
@pytest.mark.parametrize(
    ("reduction", "reduce"),
    [("sum_over_batch_size", np.mean), ("sum", np.sum), ("none", np.array)],
)
def test_reductions_and_sample_weights_are_those_of_keras(
    name, reduction, reduce
):
    loss = make(name, reduction=reduction)
    expected = expected_losses(name)
    found = loss(LABELS, prediction())
    np.testing.assert_allclose(found, reduce(expected), rtol=1e-5, atol=1e-5)
    weights = np.linspace(0.0, 2.0, ROWS)
    found = loss(LABELS, prediction(), sample_weight=weights)
    expected = reduce(weights * expected)
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-5)


@every_loss
def test_labels_come_in_several_forms(name):
    loss = make(name)
    expected = loss(LABELS, prediction())
    for labels in (LABELS.astype("int64"), LABELS[:, np.newaxis]):
        np.testing.assert_array_equal(loss(labels, prediction()), expected)


@every_loss
@pytest.mark.parametrize("wrong", [-1, CLASSES])
def test_a_label_out_of_range_is_named(name, wrong):
    # CLASSES would be the negatives' column, were there one.
    labels = [wrong] + [0] * (ROWS - 1)
    with pytest.raises(tf.errors.InvalidArgumentError) as error:
        make(name)(tf.constant(labels), prediction())
    assert "Expected labels in [0, num_classes)" in str(error.value)
    assert str(wrong) in str(error.value)


@every_loss
def test_compiled_code_marks_a_wrong_label(name):
    loss = make(name, reduction="none")
    labels = tf.constant([CLASSES] + [0] * (ROWS - 1))
    found = tf.function(loss, jit_compile=True)(labels, prediction())
    np.testing.assert_array_equal(
        np.isnan(found), [True] + [False] * (ROWS - 1)
    )


@every_loss
@pytest.mark.parametrize("jit_compile", [False, True])
def test_graphs_give_what_eager_code_gives(name, jit_compile):
    loss = make(name)

    def step(y_pred):
        with tf.GradientTape() as tape:
            tape.watch(y_pred)
            value = loss(LABELS, y_pred)
        return value, tape.gradient(value, y_pred)

    eager = step(prediction())
    graph = tf.function(step, jit_compile=jit_compile)(prediction())
    for here, there in zip(graph, eager, strict=True):
        np.testing.assert_allclose(here, there, rtol=1e-5, atol=1e-6)


@every_loss
@pytest.mark.parametrize(
    ("dtype", "tolerance"), [("float16", 2e-2), ("bfloat16", 2e-1)]
)
def test_half_precision_is_widened_first(name, dtype, tolerance):
    half = prediction(dtype)
    found = make(name).call(LABELS, half)
    assert found.dtype == tf.float32
    widened = make(name).call(LABELS, tf.cast(half, tf.float32))
    np.testing.assert_array_equal(found, widened)
    np.testing.assert_allclose(
        found, expected_losses(name), rtol=tolerance, atol=tolerance
    )


@every_loss
def test_extreme_embeddings_are_finite(name):
    direction = EMBEDDINGS[:1] / np.linalg.norm(EMBEDDINGS[0])
    sizes = np.logspace(-36, 30, ROWS)[:, np.newaxis]
    for embeddings in (
        np.zeros([ROWS, DIM]),
        np.repeat(direction, ROWS, axis=0),
        sizes * direction,
        -sizes * EMBEDDINGS,
    ):
        y_pred = prediction(embeddings=embeddings)
        with tf.GradientTape() as tape:
            tape.watch(y_pred)
            value = make(name, norm_penalty=PENALTY)(LABELS, y_pred)
        assert np.isfinite(value)
        assert np.isfinite(tape.gradient(value, y_pred)).all()


@every_loss
def test_the_penalty_is_part_of_each_rows_loss(name):
    loss = make(name, norm_penalty=PENALTY)
    expected = expected_losses(name)
    expected += oracle.magface_penalty(oracle.norms_of(EMBEDDINGS))
    found = loss.call(LABELS, prediction("float64"))
    np.testing.assert_allclose(found, expected, rtol=1e-12)


@every_loss
@pytest.mark.parametrize("penalty", [None, PENALTY])
def test_config_brings_back_the_loss(name, penalty):
    loss = LOSSES[name](
        scale=SCALE,
        embedding_dim=DIM,
        norm_penalty=penalty,
        reduction="sum",
        name="mine",
    )
    packed = json.loads(json.dumps(keras.losses.serialize(loss)))
    twin = keras.losses.deserialize(packed)
    assert type(twin) is type(loss)
    assert twin.get_config() == loss.get_config()
    assert (twin.name, twin.reduction) == ("mine", "sum")
    np.testing.assert_array_equal(
        twin(LABELS, prediction()), loss(LABELS, prediction())
    )


@every_loss
@pytest.mark.parametrize("dim", [CLASSES + DIM, 512])
def test_refuses_an_embedding_without_classes(name, dim):
    with pytest.raises(ValueError) as error:
        make(name, embedding_dim=dim)(LABELS, prediction())
    message = str(error.value)
    assert f"embedding_dim={dim}" in message
    assert f"Received: shape=({ROWS}, {CLASSES + DIM})" in message


@every_loss
@pytest.mark.parametrize("argument", ["scale", "embedding_dim"])
def test_refuses_arguments_out_of_range(name, argument):
    with pytest.raises(ValueError, match=f"Received: {argument}=0"):
        make(name, **{argument: 0})
