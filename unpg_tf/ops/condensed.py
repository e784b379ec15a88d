"""A softmax over many classes in the form of one over a few.

A row sees all classes but its own in one number, the log of their mass. So
where classes are divided among devices, two numbers a row are all that the
devices need to tell each other.
"""

import tensorflow as tf

from unpg_tf.ops.sampling import columns_of
from unpg_tf.ops.targets import replace_targets
from unpg_tf.ops.targets import targets_of

# The log of no mass at all, or a cosine without any. Finite, also when it is
# scaled, so that gradients are too.
_NOTHING = -1e30


def targets_within(cosines, columns):
    """Picks the target cosines of the rows that have theirs here.

    Args:
        cosines: [batch, width] float tensor.
        columns: [batch] int32 tensor: where the rows' own classes stand. Those
            below 0 or beyond the width are elsewhere.

    Returns:
        [batch] float tensor: 0 for a class that is elsewhere.
    """
    is_here = (columns >= 0) & (columns < tf.shape(cosines)[1])
    targets = targets_of(cosines, columns)
    return tf.where(is_here, targets, tf.zeros_like(targets))


def log_mass_of_others(cosines, columns, num_columns, scale):
    """What the classes that aren't a row's own weigh in its softmax.

    Args:
        cosines: [batch, width] float tensor.
        columns: [batch] int32 tensor, as in `targets_within`.
        num_columns: int or int32 scalar: the columns after these are no
            classes.
        scale: float, the inverse temperature s.

    Returns:
        [batch] float tensor, log sum_j exp(s cos_ij) over the others; about
        -1e30 where there are none.
    """
    places = tf.range(tf.shape(cosines)[1])
    hidden = (places == columns[:, tf.newaxis]) | (places >= num_columns)
    scaled = tf.where(hidden, _NOTHING, scale * cosines)
    return tf.reduce_logsumexp(scaled, axis=1)


def condensed_cosines(targets, others, labels, all_labels, num_classes):
    """Writes a softmax over all classes as one over those of a batch.

    Args:
        targets: [batch] float tensor, the cosines to the rows' own classes.
        others: [batch] float tensor: the one cosine that would weigh as much
            as all other classes.
        labels: [batch] int32 tensor.
        all_labels: [global batch] int32 tensor that has all `labels`.
        num_classes: int.

    Returns:
        A tuple of [batch, global batch + 1] cosines, with `targets` in a
        column of each class, `others` in the last one, and elsewhere what
        weighs nothing; and the [batch] int32 columns of the targets. For a
        label out of range these are NaN and -1: see `targets_of`.
    """
    columns = columns_of(tf.sort(all_labels), labels)
    in_range = (labels >= 0) & (labels < num_classes)
    columns = tf.where(in_range, columns, -1)
    nothing = tf.fill(
        [tf.size(labels), tf.size(all_labels)],
        tf.cast(_NOTHING, targets.dtype),
    )
    cosines = tf.concat([nothing, others[:, tf.newaxis]], axis=1)
    return replace_targets(cosines, columns, targets), columns
