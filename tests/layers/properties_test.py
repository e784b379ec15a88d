"""What holds of every head for any batch."""

import hypothesis
import numpy as np
import pytest
import tensorflow as tf
from hypothesis import strategies as st

from tests import heads
from tests import oracle

examples = hypothesis.settings(deadline=None, derandomize=True, max_examples=12)


@st.composite
def batches(draw):
    """Embeddings of many lengths, labels, class centres."""
    rows, classes = draw(st.integers(2, 7)), draw(st.integers(1, 6))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    embeddings = rng.normal(size=[rows, 3])
    embeddings *= 10.0 ** rng.uniform(-2, 3, [rows, 1])
    labels = rng.integers(0, classes, rows).astype("int32")
    return embeddings, labels, rng.normal(size=[classes, 3])


def computed(name, embeddings, labels, centers, training):
    head = heads.make(name, len(centers), dtype="float64")
    head.build((None, centers.shape[1]))
    head.centers.assign(centers)
    return head(
        tf.constant(embeddings), tf.constant(labels), training=training
    ).numpy()


@pytest.mark.parametrize("name", heads.NAMES)
@examples
@hypothesis.given(batches())
def test_values_are_the_papers(name, batch):
    embeddings, labels, centers = batch
    expected = heads.expected(
        name,
        oracle.cosines_of(embeddings, centers),
        oracle.norms_of(embeddings),
        labels,
    )
    found = computed(name, *batch, training=True)
    np.testing.assert_allclose(found, expected, atol=1e-7)


# An elastic margin is drawn for each place in the batch.
@pytest.mark.parametrize(
    "name", [name for name in heads.NAMES if not name.startswith("elastic")]
)
@examples
@hypothesis.given(batches(), st.randoms(use_true_random=False))
def test_rows_and_classes_may_come_in_any_order(name, batch, random):
    embeddings, labels, centers = batch
    rows = random.sample(range(len(labels)), len(labels))
    columns = random.sample(range(len(centers)), len(centers))
    found = computed(
        name,
        embeddings[rows],
        np.argsort(columns).astype("int32")[labels[rows]],
        centers[columns],
        training=False,
    )
    expected = computed(name, *batch, training=False)[rows][:, columns]
    np.testing.assert_allclose(found, expected, atol=1e-9)
