"""Tests of class labels."""

import numpy as np
import pytest
import tensorflow as tf

from unpg_tf import ops

CLASSES = 5
FORMS = {
    "eager": lambda function: function,
    "graph": tf.function,
}


@pytest.fixture(params=sorted(FORMS))
def form(request):
    return FORMS[request.param]


@pytest.mark.parametrize("dtype", ["int32", "int64", "uint8", "float32"])
@pytest.mark.parametrize("shape", [[4], [4, 1]])
def test_takes_the_usual_forms(form, shape, dtype):
    labels = tf.reshape(tf.constant([0, 4, 2, 2], dtype), shape)
    ids = form(lambda labels: ops.class_ids(labels, CLASSES))(labels)
    assert ids.dtype == tf.int32
    np.testing.assert_array_equal(ids, [0, 4, 2, 2])


def test_takes_a_rank_known_only_at_run_time():
    @tf.function(input_signature=[tf.TensorSpec(None, tf.int32)])
    def ids(labels):
        return ops.class_ids(labels, CLASSES)

    np.testing.assert_array_equal(ids(tf.constant([[3], [1]])), [3, 1])


def test_takes_an_empty_batch():
    assert ops.class_ids(tf.zeros([0], tf.int32), CLASSES).shape == [0]


@pytest.mark.parametrize("shape", [[], [4, 2], [4, 5], [2, 1, 1]])
def test_refuses_other_shapes(form, shape):
    labels = tf.zeros(shape, tf.int32)
    with pytest.raises(ValueError) as error:
        form(lambda labels: ops.class_ids(labels, CLASSES))(labels)
    message = str(error.value)
    assert "labels of shape [batch] or [batch, 1] (of one-hot" in message
    assert f"tf.argmax(labels, axis=-1)). Received: shape={tuple(shape)}" in (
        message
    )


@pytest.mark.parametrize("labels", [["a", "b"], [True, False]])
def test_refuses_what_is_no_number(labels):
    with pytest.raises(ValueError, match=r"Expected integer labels \(of names"):
        ops.class_ids(labels, CLASSES)


@pytest.mark.parametrize("dtype", ["int32", "int64", "float32"])
@pytest.mark.parametrize("wrong", [-1, CLASSES, CLASSES + 7])
def test_refuses_labels_out_of_range(form, wrong, dtype):
    labels = tf.constant([2, wrong, 1], dtype)
    with pytest.raises(tf.errors.InvalidArgumentError) as error:
        form(lambda labels: ops.class_ids(labels, CLASSES))(labels)
    message = str(error.value)
    assert "Expected labels in [0, num_classes), whole numbers." in message
    assert f"{CLASSES}" in message
    assert f"{wrong}" in message


@pytest.mark.parametrize("wrong", [0.5, 3.999, 1e-3])
def test_refuses_fractions(form, wrong):
    labels = tf.constant([2.0, wrong, 1.0])
    with pytest.raises(tf.errors.InvalidArgumentError, match="whole numbers"):
        form(lambda labels: ops.class_ids(labels, CLASSES))(labels)


def test_an_error_in_a_graph_is_found_in_its_message():
    function = tf.function(lambda labels: ops.class_ids(labels, CLASSES))
    with pytest.raises(tf.errors.InvalidArgumentError) as error:
        function(tf.constant([2, 9, 1]))
    assert ops.label_error_in(error.value.message) == (
        "Expected labels in [0, num_classes), whole numbers. Received: "
        "num_classes = 5 and a label of 9 among labels from 1 to 9"
    )
    assert ops.label_error_in("assertion failed: [x]") is None


@pytest.mark.parametrize(
    "labels", [{"id": [1]}, tf.sparse.eye(2), tf.ragged.constant([[1], []])]
)
def test_refuses_what_is_no_dense_tensor(labels):
    with pytest.raises(ValueError, match="Expected labels in one dense tensor"):
        ops.class_ids(labels, CLASSES)


@pytest.mark.parametrize("wrong", [2**32, 2**32 + 1, -(2**32)])
def test_wide_labels_do_not_wrap_around(wrong):
    labels = tf.constant([wrong], tf.int64)
    with pytest.raises(tf.errors.InvalidArgumentError, match=str(wrong)):
        ops.class_ids(labels, CLASSES)


def test_refuses_nan():
    with pytest.raises(tf.errors.InvalidArgumentError):
        ops.class_ids(tf.constant([1.0, float("nan")]), CLASSES)


@pytest.mark.parametrize(
    ("dtype", "most"),
    [("bfloat16", 2**8), ("float16", 2**11), ("float32", 2**24)],
)
def test_refuses_floats_that_cannot_tell_classes_apart(dtype, most):
    labels = tf.constant([1.0], dtype)
    assert ops.class_ids(labels, most).numpy() == [1]
    with pytest.raises(
        ValueError, match=f"(?s){dtype}.*num_classes={most + 1}"
    ):
        ops.class_ids(labels, most + 1)
    with pytest.raises(ValueError, match=f"num_classes=.*{most + 1}"):
        ops.class_ids(labels, np.int64(most + 1))


def test_compiled_code_gives_nan_for_a_label_out_of_range():
    @tf.function(jit_compile=True)
    def targets(cosines, labels):
        ids = ops.class_ids(labels, CLASSES)
        return ops.targets_of(cosines, ids)

    cosines = tf.ones([5, CLASSES])
    labels = tf.constant([2.0, CLASSES, -1.0, 0.5, float("nan")])
    found = targets(cosines, labels).numpy()
    np.testing.assert_array_equal(np.isnan(found), [False] + 4 * [True])
