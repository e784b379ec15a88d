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
    return _nan_unless(columns == labels, _picked(cosines, columns))


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
    return _replaced(cosines, columns, targets)


def add_to_targets(cosines, labels, values):
    """Adds a number to each row's target.

    Args:
        cosines: [batch, num_classes] float tensor.
        labels: [batch] int32 tensor.
        values: [batch] float tensor.

    Returns:
        A tensor like `cosines`, that differs in one entry of each row.
    """
    columns = _columns(cosines, labels)
    return cosines + _alone(cosines, columns, values)


def _columns(cosines, labels):
    return tf.clip_by_value(labels, 0, tf.shape(cosines)[1] - 1)


# A row's column is told from the others by comparison, which XLA fuses with
# what comes before and after. A scatter would stand between two passes over
# the matrix, and two more in the gradient.


@tf.custom_gradient
def _picked(cosines, columns):
    def gradient(slopes):
        return _alone(cosines, columns, slopes), None

    return _entries(cosines, columns), gradient


@tf.custom_gradient
def _replaced(cosines, columns, targets):
    def gradient(slopes):
        zeros = tf.zeros([], slopes.dtype)
        others = tf.where(_are_targets(slopes, columns), zeros, slopes)
        return others, None, _entries(slopes, columns)

    targets = targets[:, tf.newaxis]
    return tf.where(_are_targets(cosines, columns), targets, cosines), gradient


def _alone(cosines, columns, values):
    return tf.where(_are_targets(cosines, columns), values[:, tf.newaxis], 0.0)


def _are_targets(cosines, columns):
    return columns[:, tf.newaxis] == tf.range(tf.shape(cosines)[1])


def _entries(cosines, columns):
    places = tf.stack([tf.range(tf.size(columns)), columns], axis=1)
    return tf.gather_nd(cosines, places)


def _nan_unless(condition, values):
    return tf.where(condition, values, tf.cast(float("nan"), values.dtype))
