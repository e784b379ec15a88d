"""Each row's target: the cosine to its own class centre."""

import tensorflow as tf


def targets_of(cosines, labels):
    """Picks each row's target cosine.

    Args:
        cosines: [batch, num_classes] float tensor.
        labels: [batch] int32 tensor.

    Returns:
        [batch] float tensor. NaN where a label is out of range, so that
        compiled code, in which assertions are dropped, doesn't train on a
        wrong class in silence.
    """
    columns = _columns(cosines, labels)
    # A batched `tf.gather` has a gradient of another shape where a replica
    # has no rows.
    targets = tf.gather_nd(cosines, _places(columns))
    return _nan_unless(columns == labels, targets)


def replace_targets(cosines, labels, targets):
    """Puts new target cosines in their places.

    Args:
        cosines: [batch, num_classes] float tensor.
        labels: [batch] int32 tensor.
        targets: [batch] float tensor.

    Returns:
        A tensor like `cosines`, that differs in one entry of each row. That
        entry is NaN where a label is out of range.
    """
    columns = _columns(cosines, labels)
    # Again, because a margin that clips may have turned the NaN of
    # `targets_of` into a number.
    targets = _nan_unless(columns == labels, targets)
    return tf.tensor_scatter_nd_update(cosines, _places(columns), targets)


def add_to_targets(cosines, labels, values):
    """Adds a number to each row's target.

    Args:
        cosines: [batch, num_classes] float tensor.
        labels: [batch] int32 tensor.
        values: [batch] float tensor.

    Returns:
        A tensor like `cosines`, that differs in one entry of each row.
    """
    places = _places(_columns(cosines, labels))
    return tf.tensor_scatter_nd_add(cosines, places, values)


def _columns(cosines, labels):
    return tf.clip_by_value(labels, 0, tf.shape(cosines)[1] - 1)


def _places(columns):
    return tf.stack([tf.range(tf.size(columns)), columns], axis=1)


def _nan_unless(condition, values):
    return tf.where(condition, values, tf.cast(float("nan"), values.dtype))
