"""Class labels, as users give them."""

import numbers

import tensorflow as tf

from unpg_tf.ops.checks import expect

# Integers up to 2**bits are told apart by a float of the dtype.
_BITS = {tf.bfloat16: 8, tf.float16: 11, tf.float32: 24, tf.float64: 53}


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
        tf.errors.InvalidArgumentError: If a label is out of range. XLA drops
            assertions: there `targets_of` turns such a row into NaN.
    """
    labels = tf.convert_to_tensor(labels)
    expect(
        labels.dtype.is_integer or labels.dtype.is_floating,
        "integer labels",
        dtype=labels.dtype.name,
    )
    shape = labels.shape
    expect(
        shape.rank in (None, 1) or (shape.rank == 2 and shape[1] in (None, 1)),
        "labels of shape [batch] or [batch, 1]",
        shape=tuple(shape) if shape.rank is not None else None,
    )
    given = shape[0] if shape.rank else None
    expect(
        None in (rows, given) or given == rows,
        f"a label for each of {rows} rows",
        labels=given,
    )
    if labels.dtype.is_integer:
        labels = tf.cast(labels, tf.int64)
    elif isinstance(num_classes, numbers.Integral):
        _expect_distinct(labels.dtype, num_classes)
    labels = tf.reshape(labels, [-1])
    limit = tf.cast(num_classes, labels.dtype)
    in_range = tf.debugging.Assert(
        tf.reduce_all((labels >= 0) & (labels < limit)),
        [
            "Expected labels in [0, num_classes). Received: num_classes =",
            num_classes,
            "and labels from",
            tf.reduce_min(labels),
            "to",
            tf.reduce_max(labels),
        ],
    )
    with tf.control_dependencies([in_range]):
        return tf.cast(labels, tf.int32)


def _expect_distinct(dtype, num_classes):
    bits = _BITS[dtype]
    expect(
        num_classes <= 2**bits,
        f"integer labels (as {dtype.name}, class ids beyond 2**{bits} collide)",
        num_classes=num_classes,
    )
