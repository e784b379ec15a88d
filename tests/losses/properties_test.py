"""What holds of the losses for any batch, whisker and scale."""

import itertools

import hypothesis
import numpy as np
import pytest
import tensorflow as tf
from hypothesis import strategies as st

from tests import oracle
from unpg_tf import losses

WHISKERS = st.sampled_from([0.0, 0.4, 1.5, 1e30, float("inf")])
SCALES = st.sampled_from([1e-3, 1.0, 64.0, 1e6])
WEIGHTS = st.sampled_from([1e-6, 1.0, 1e3])
MAX_SHARES = st.sampled_from([1e-9, 0.2, 1.0])
# Few shapes: each has a selection of its own, which XLA compiles.
ROWS = st.sampled_from([1, 2, 5, 8])

examples = hypothesis.settings(deadline=None, derandomize=True, max_examples=40)


@st.composite
def batches(draw):
    """Embeddings in general position, labels, and cosines to classes."""
    rows, classes = draw(ROWS), draw(st.integers(1, 6))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    embeddings = rng.normal(size=[rows, 3])
    embeddings *= 10.0 ** rng.uniform(-6, 6, [rows, 1])
    labels = rng.integers(0, classes, rows)
    return embeddings, labels, rng.uniform(-1, 1, [rows, classes])


def computed(embeddings, labels, cosines, *, dtype="float64", **arguments):
    loss = losses.UNPGLoss(embedding_dim=embeddings.shape[1], **arguments)
    y_pred = tf.constant(np.concatenate([cosines, embeddings], axis=1), dtype)
    return loss.call(tf.constant(labels), y_pred).numpy()


@pytest.mark.parametrize(
    ("dtype", "labels_dtype", "tolerance"),
    [("float64", "int64", 1e-9), ("float32", "uint8", 1e-4)],
)
@examples
@hypothesis.given(batches(), WHISKERS, SCALES, WEIGHTS, MAX_SHARES)
def test_values_are_the_oracles(
    dtype, labels_dtype, tolerance, batch, whisker, scale, weight, share
):
    embeddings, labels, cosines = batch
    found = computed(
        embeddings,
        labels.astype(labels_dtype),
        cosines,
        dtype=dtype,
        whisker=whisker,
        scale=scale,
        pair_weight=weight,
        max_pair_share=share,
    )
    expected = oracle.unpg_losses(
        cosines, embeddings, labels, scale, whisker, weight, share
    )
    # A loss is a difference of logits, each of which is rounded.
    np.testing.assert_allclose(
        found, expected, rtol=tolerance, atol=tolerance * max(scale, 1.0)
    )


@examples
@hypothesis.given(batches(), WHISKERS, st.randoms(use_true_random=False))
def test_order_plays_no_part(batch, whisker, random):
    embeddings, labels, cosines = batch
    rows = random.sample(range(len(labels)), len(labels))
    columns = random.sample(range(cosines.shape[1]), cosines.shape[1])
    moved = computed(
        embeddings[rows],
        np.argsort(columns)[labels[rows]],
        cosines[rows][:, columns],
        whisker=whisker,
    )
    expected = computed(embeddings, labels, cosines, whisker=whisker)[rows]
    np.testing.assert_allclose(moved, expected, rtol=1e-9, atol=1e-9)


@examples
@hypothesis.given(batches(), SCALES)
def test_wider_whiskers_and_more_of_the_pairs_never_lower_a_loss(batch, scale):
    wider = [computed(*batch, whisker=w, scale=scale) for w in (0.0, 1.0, 1e30)]
    heavier = [
        computed(*batch, pair_weight=w, scale=scale) for w in (0.1, 1.0, 10.0)
    ]
    more = [
        computed(*batch, max_pair_share=share, scale=scale)
        for share in (1e-9, 0.5, 1.0)
    ]
    for row in (wider, heavier, more):
        for one, two in itertools.pairwise(row):
            assert (two >= one - 1e-9 * scale).all()


@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float32", "float64"])
@examples
@hypothesis.given(
    st.lists(
        st.sampled_from(
            [[0, 0, 0], [1, 0, 0], [-1, 0, 0], [3e4, 0, 1], [1e-7, 1e-7, 0]]
        ),
        min_size=5,
        max_size=5,
    ),
    st.lists(st.integers(0, 2), min_size=5, max_size=5),
    WHISKERS,
    SCALES,
    MAX_SHARES,
)
def test_degenerate_batches_have_finite_losses_and_gradients(
    dtype, embeddings, labels, whisker, scale, share
):
    loss = losses.UNPGLoss(
        scale=scale, whisker=whisker, embedding_dim=3, max_pair_share=share
    )
    cosines = np.tile([1.0, -1.0, 0.0], [5, 1])
    y_pred = tf.cast(np.concatenate([cosines, embeddings], axis=1), dtype)
    with tf.GradientTape() as tape:
        tape.watch(y_pred)
        found = loss.call(tf.constant(labels), y_pred)
    assert np.isfinite(found).all()
    # The slope at so short an embedding is beyond what half precision holds.
    if y_pred.dtype.size >= 4:
        assert np.isfinite(tape.gradient(found, y_pred)).all()
