"""Class labels, as users give them."""

import numbers
import re

import tensorflow as tf

from unpg_tf.ops.checks import expect

# Integers up to 2**bits are told apart by a float of the dtype.
_BITS = {tf.bfloat16: 8, tf.float16: 11, tf.float32: 24, tf.float64: 53}

# What an error of `class_ids` within a graph says, among much else.
_IN_GRAPH = re.compile(r"\[(Expected labels in \[0, num_classes\).*\])")


def class_ids(labels, num_classes, rows=None):
    """Checks labels and brings them into one form.

    Args:
        labels: [batch] or [batch, 1] integers, or floats that hold integers,
            as `keras.losses.Loss` hands them on.
        num_classes: int or integer scalar tensor.
        rows: int, how many rows the labels are for, or `None` where that
            isn't known.

    Returns:
        [batch] int32 tensor, every entry in [0, num_classes).

    Raises:
        ValueError: If shape or dtype are others, if float labels can't tell
            `num_classes` classes apart, or if there aren't as many as rows.
        tf.errors.InvalidArgumentError: If a label is out of range or no whole
            number. XLA drops assertions: there it becomes -1, and
            `targets_of` turns its row into NaN.
    """
    expect(
        not isinstance(labels, dict | tf.SparseTensor | tf.RaggedTensor),
        "labels in one dense tensor",
        labels=type(labels).__name__,
    )
    labels = tf.convert_to_tensor(labels)
    dtype = labels.dtype
    is_number = dtype.is_integer or dtype.is_floating
    expect_label_form(dtype.name, is_number, labels.shape)
    given = labels.shape[0] if labels.shape.rank else None
    expect(
        None in (rows, given) or given == rows,
        f"a label for each of {rows} rows",
        labels=given,
    )
    if dtype.is_integer:
        labels = tf.cast(labels, tf.int64)
    elif isinstance(num_classes, numbers.Integral):
        _expect_distinct(dtype, num_classes)
    labels = tf.reshape(labels, [-1])
    right = (labels >= 0) & (labels < tf.cast(num_classes, labels.dtype))
    if dtype.is_floating:
        right &= labels == tf.floor(labels)
    with tf.control_dependencies([_assert_all(right, labels, num_classes)]):
        return tf.where(right, tf.cast(labels, tf.int32), -1)


def expect_label_form(dtype, is_number, shape):
    """Raises a `ValueError` for labels that can't be class ids.

    Args:
        dtype: string.
        is_number: bool. Whether it is of integers or floats.
        shape: `tf.TensorShape`.
    """
    expect(
        is_number,
        "integer labels (of names: np.unique(names, return_inverse=True)[1])",
        dtype=dtype,
    )
    rank = shape.rank
    expect(
        rank in (None, 1) or (rank == 2 and shape[1] in (None, 1)),
        "labels of shape [batch] or [batch, 1] (of one-hot labels: "
        "tf.argmax(labels, axis=-1))",
        shape=None if rank is None else tuple(shape),
    )


def label_error_in(message):
    """What `class_ids` says in the message of an error within a graph.

    Args:
        message: string.

    Returns:
        string of one line, or `None` where it says nothing.
    """
    found = _IN_GRAPH.search(message)
    return found and found[1].replace("] [", " ").rstrip("]")


def _assert_all(right, labels, num_classes):
    wrong = tf.reduce_max(tf.where(right, labels.dtype.min, labels))
    return tf.debugging.Assert(
        tf.reduce_all(right),
        [
            "Expected labels in [0, num_classes), whole numbers. Received: "
            "num_classes =",
            num_classes,
            "and a label of",
            wrong,
            "among labels from",
            tf.reduce_min(labels),
            "to",
            tf.reduce_max(labels),
        ],
    )


def _expect_distinct(dtype, num_classes):
    bits = _BITS[dtype]
    expect(
        num_classes <= 2**bits,
        f"integer labels (as {dtype.name}, class ids beyond 2**{bits} collide)",
        num_classes=num_classes,
    )
