"""Tests of what UNPGLoss adds to the softmax."""

import json
import math

import numpy as np
import pytest
import tensorflow as tf

from tests import heads
from tests import oracle
from unpg_tf import losses

ROWS, DIM, CLASSES, SCALE = 12, 4, 5, 16.0
EMBEDDINGS, LABELS, CENTERS = heads.batch(ROWS, DIM, CLASSES)
COSINES = oracle.cosines_of(EMBEDDINGS, CENTERS)
Y_PRED = np.concatenate([COSINES, EMBEDDINGS], axis=1)


def make(**arguments):
    return losses.UNPGLoss(scale=SCALE, embedding_dim=DIM, **arguments)


def value_and_slopes(loss, labels, y_pred):
    y_pred = tf.constant(y_pred, tf.float32)
    with tf.GradientTape() as tape:
        tape.watch(y_pred)
        value = loss(labels, y_pred)
    return value.numpy(), tape.gradient(value, y_pred).numpy()


@pytest.mark.parametrize("whisker", [0.0, 0.3, 1.5, float("inf")])
def test_every_whisker_is_the_papers(whisker):
    found = make(whisker=whisker).call(LABELS, tf.constant(Y_PRED))
    expected = oracle.unpg_losses(COSINES, EMBEDDINGS, LABELS, SCALE, whisker)
    np.testing.assert_allclose(found, expected, rtol=1e-12)


@pytest.mark.parametrize("pair_weight", [0.01, 1.0, 3.0])
def test_pairs_count_by_their_weight(pair_weight):
    found = make(pair_weight=pair_weight).call(LABELS, tf.constant(Y_PRED))
    expected = oracle.unpg_losses(
        COSINES, EMBEDDINGS, LABELS, SCALE, 1.5, pair_weight
    )
    np.testing.assert_allclose(found, expected, rtol=1e-12)


# Each is active in some rows, and not in others.
@pytest.mark.parametrize("share", [0.3, 0.5, 0.9])
@pytest.mark.parametrize("pair_weight", [0.1, 1.0])
def test_pairs_hold_their_share_at_most(share, pair_weight):
    loss = make(pair_weight=pair_weight, max_pair_share=share)
    found = loss.call(LABELS, tf.constant(Y_PRED))
    expected = oracle.unpg_losses(
        COSINES, EMBEDDINGS, LABELS, SCALE, 1.5, pair_weight, share
    )
    np.testing.assert_allclose(found, expected, rtol=1e-12)
    classes = oracle.softmax_losses(COSINES, LABELS, SCALE)
    shares = 1 - np.exp(classes - expected)
    assert shares.max() == pytest.approx(share)
    assert shares.min() < 0.9 * share


def test_a_share_of_1_is_the_papers_loss_bit_by_bit():
    papers = value_and_slopes(make(), LABELS, Y_PRED)
    whole = value_and_slopes(make(max_pair_share=1), LABELS, Y_PRED)
    nearly = value_and_slopes(make(max_pair_share=1 - 1e-9), LABELS, Y_PRED)
    for expected, same, close in zip(papers, whole, nearly, strict=True):
        np.testing.assert_array_equal(same, expected)
        np.testing.assert_allclose(close, expected, rtol=1e-5, atol=1e-6)


def test_a_share_of_nearly_0_is_the_margin_loss():
    margin_loss = losses.MarginLoss(scale=SCALE, embedding_dim=DIM)
    margin = value_and_slopes(margin_loss, LABELS, Y_PRED)
    for share, tolerance in ((1e-3, 0.01), (1e-9, 1e-7)):
        bounded = value_and_slopes(make(max_pair_share=share), LABELS, Y_PRED)
        for here, there in zip(bounded, margin, strict=True):
            np.testing.assert_allclose(here, there, atol=tolerance)


# Each is active in some rows, and not in others.
@pytest.mark.parametrize("share", [0.5, 1.0])
@pytest.mark.parametrize("ratio", [0.2, 2.0])
def test_pairs_count_so_many_targets_at_most(ratio, share):
    loss = make(max_pair_share=share, max_target_ratio=ratio)
    found = loss.call(LABELS, tf.constant(Y_PRED))
    case = COSINES, EMBEDDINGS, LABELS, SCALE, 1.5, 1.0
    expected = oracle.unpg_losses(*case, share, ratio)
    np.testing.assert_allclose(found, expected, rtol=1e-12)
    # exp(loss) is the denominator in multiples of the target.
    classes = np.exp(oracle.softmax_losses(COSINES, LABELS, SCALE))
    ratios = np.exp(expected) - classes
    assert ratios.max() == pytest.approx(ratio)
    assert ratios.min() < 0.9 * ratio
    assert not np.allclose(expected, oracle.unpg_losses(*case, share))


def test_the_gradient_does_not_go_through_the_target_ratio():
    loss = make(max_target_ratio=0.2)
    value, slopes = value_and_slopes(loss, LABELS, Y_PRED)
    # As if the pairs were of that many in each row, as a constant.
    free = oracle.unpg_losses(COSINES, EMBEDDINGS, LABELS, SCALE, 1.5)
    classes = oracle.softmax_losses(COSINES, LABELS, SCALE)
    ratios = np.minimum(np.exp(free) - np.exp(classes), 0.2)
    constants = np.log(ratios / (np.exp(free) - np.exp(classes)))

    def weighed(y_pred):
        cosines, embeddings = np.split(y_pred, [COSINES.shape[1]], axis=1)
        units = embeddings / np.linalg.norm(embeddings, axis=1, keepdims=True)
        pairs = oracle.kept(oracle.negatives(units, LABELS), 1.5)
        return np.mean(
            [
                oracle.softmax_losses(
                    cosines[[row]], LABELS[[row]], SCALE, pairs, math.exp(c)
                )[0]
                for row, c in enumerate(constants)
            ]
        )

    expected = oracle.gradient(weighed, Y_PRED)
    np.testing.assert_allclose(value, weighed(Y_PRED), rtol=1e-6)
    np.testing.assert_allclose(slopes, expected, atol=1e-5)


def test_a_target_ratio_of_nearly_0_is_the_margin_loss():
    margin_loss = losses.MarginLoss(scale=SCALE, embedding_dim=DIM)
    margin = value_and_slopes(margin_loss, LABELS, Y_PRED)
    bounded = value_and_slopes(make(max_target_ratio=1e-9), LABELS, Y_PRED)
    for here, there in zip(bounded, margin, strict=True):
        np.testing.assert_allclose(here, there, atol=1e-7)


def test_whiskers_differ_on_these_embeddings():
    found = oracle.negatives(EMBEDDINGS, LABELS)
    counts = [len(oracle.kept(found, w)) for w in (0.0, 0.3, float("inf"))]
    assert counts == sorted(set(counts))


@pytest.mark.parametrize("rows", [1, 2, ROWS])
@pytest.mark.parametrize("share", [0.2, 1.0])
def test_without_a_negative_pair_it_is_the_margin_loss(rows, share):
    labels = np.full(rows, 3)
    margin_loss = losses.MarginLoss(scale=SCALE, embedding_dim=DIM)
    unpg = value_and_slopes(make(max_pair_share=share), labels, Y_PRED[:rows])
    margin = value_and_slopes(margin_loss, labels, Y_PRED[:rows])
    for here, there in zip(unpg, margin, strict=True):
        np.testing.assert_array_equal(here, there)


def test_dropped_pairs_have_no_gradient():
    # Two pairs lie far apart from the others: rows 0 and 1 are alike, 2 and
    # 3 opposite. All else is orthogonal, so that the whiskers have no length.
    embeddings = np.eye(16)[:8]
    embeddings[1] = 0.9 * embeddings[0] + np.sqrt(1 - 0.9**2) * np.eye(16)[9]
    embeddings[3] = -embeddings[2]
    labels = np.arange(8)
    y_pred = np.concatenate([np.zeros([8, 8]), embeddings], axis=1)
    loss = losses.UNPGLoss(scale=SCALE, embedding_dim=16, whisker=1.5)
    _, slopes = value_and_slopes(loss, labels, y_pred)
    towards_the_other = slopes[0, 8:] @ embeddings[1]
    assert abs(towards_the_other) < 1e-7
    unfiltered = losses.UNPGLoss(
        scale=SCALE, embedding_dim=16, whisker=float("inf")
    )
    _, slopes = value_and_slopes(unfiltered, labels, y_pred)
    assert slopes[0, 8:] @ embeddings[1] > 1e-3


@pytest.mark.parametrize("whisker", [0.0, 1.0, float("inf")])
def test_its_own_arguments_are_in_the_config(whisker):
    loss = make(
        whisker=whisker,
        pair_weight=0.1,
        max_pair_share=0.2,
        max_target_ratio=10,
    )
    twin = losses.UNPGLoss.from_config(loss.get_config())
    assert (twin.whisker, twin.pair_weight) == (whisker, 0.1)
    assert (twin.max_pair_share, twin.max_target_ratio) == (0.2, 10.0)


def test_a_config_of_before_the_bound_is_the_papers_loss():
    config = make().get_config()
    assert config.pop("max_pair_share") == 1.0
    assert config.pop("max_target_ratio") is None
    loss = losses.UNPGLoss.from_config(config)
    assert (loss.max_pair_share, loss.max_target_ratio) == (1.0, math.inf)


def test_numbers_of_numpy_become_those_of_json():
    numbers = np.array([4], "int64")[0], np.array([0.5], "float32")[0]
    loss = losses.UNPGLoss(
        scale=numbers[0],
        whisker=numbers[1],
        embedding_dim=numbers[0],
        pair_weight=numbers[1],
        max_pair_share=numbers[1],
    )
    config = json.loads(json.dumps(loss.get_config()))
    assert losses.UNPGLoss.from_config(config).get_config() == config
    with pytest.raises(ValueError, match="an integer. Received: embedd.*=4.5"):
        losses.UNPGLoss(embedding_dim=4.5)


@pytest.mark.parametrize(
    ("argument", "value"),
    [
        ("whisker", -0.5),
        ("pair_weight", 0.0),
        ("max_pair_share", 0.0),
        ("max_pair_share", 1.5),
        ("max_target_ratio", 0.0),
    ],
)
def test_refuses_arguments_out_of_range(argument, value):
    message = f"Expected {argument} .* Received: {argument}={value}"
    with pytest.raises(ValueError, match=message):
        make(**{argument: value})


def graphs_of(graph):
    """A graph and those of all functions that it calls."""
    yield graph
    for name in {*graph._functions} - {graph.name}:
        yield graph._get_function(name).graph


def test_nothing_is_larger_than_half_a_matrix_of_pairs():
    rows, classes = 256, 40
    loss = losses.UNPGLoss(embedding_dim=DIM)

    @tf.function
    def step(labels, y_pred):
        with tf.GradientTape() as tape:
            tape.watch(y_pred)
            value = loss(labels, y_pred)
        return tape.gradient(value, y_pred)

    graph = step.get_concrete_function(
        tf.TensorSpec([rows], tf.int32),
        tf.TensorSpec([rows, classes + DIM], tf.float32),
    ).graph
    outputs = [
        output
        for part in graphs_of(graph)
        for operation in part.get_operations()
        for output in operation.outputs
    ]
    sizes = [output.shape.num_elements() for output in outputs]
    assert len(sizes) > 100
    assert max(size for size in sizes if size) == rows**2 // 2
    # What has no static size is a list or a shape inside of a loop.
    assert all(
        output.shape.rank in (None, 0, 1)
        for output in outputs
        if output.shape.num_elements() is None
    )
