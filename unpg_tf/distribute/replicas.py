"""One global batch out of the replicas' local ones, in value and gradient.

Every function is called by all replicas alike and in the same order (never
inside `tf.cond`), does nothing on a single replica, and nothing outside a
replica's own code, as when Keras builds a model symbolically.
"""

import tensorflow as tf


def _replicas():
    """The replica context, or `None` where there is nobody to speak to."""
    context = tf.distribute.get_replica_context()
    if context is None or context.num_replicas_in_sync == 1:
        return None
    return context


def all_gather(tensor):
    """Joins the rows of all replicas, in the order of the replicas.

    Differentiable: the gradient of the gathered rows is summed over the
    replicas, and each takes back its own rows. With a loss that is averaged
    over the local batch and divided by the number of replicas (as Keras
    does), gradients equal those of one device exactly, with no factor to add.

    Args:
        tensor: [local batch, ...] tensor. The replicas' batches may differ in
            size.

    Returns:
        [global batch, ...] tensor, the same on every replica.
    """
    replicas = _replicas()
    return tensor if replicas is None else replicas.all_gather(tensor, axis=0)


def as_global_mean(values):
    """Makes the replicas' means of local rows one mean of all rows.

    Keras averages over the local rows, then over the replicas, which gives
    the rows of a smaller batch (the last one of an epoch) more weight. The
    gradients of `values` are therefore scaled by the local share of the
    rows: replicas * local rows / global rows. The values stay: Keras weighs
    them by the local rows when it reports a loss.

    Args:
        values: [local batch] float tensor of losses, one a row.

    Returns:
        The same values, with scaled gradients.
    """
    replicas = _replicas()
    if replicas is None:
        return values
    rows = tf.size(values)
    all_rows = replicas.all_reduce(tf.distribute.ReduceOp.SUM, rows)
    share = tf.cast(replicas.num_replicas_in_sync * rows, values.dtype)
    share /= tf.cast(all_rows, values.dtype)
    return share * values + tf.stop_gradient((1 - share) * values)


def row_numbers(rows):
    """Tells where the local rows stand in the global batch.

    Args:
        rows: [local batch, ...] tensor.

    Returns:
        A tuple of the [local batch] int32 numbers of these rows, and the
        number of all rows as an int32 scalar.
    """
    local = tf.shape(rows)[0]
    replicas = _replicas()
    if replicas is None:
        return tf.range(local), local
    counts = replicas.all_gather(local[tf.newaxis], axis=0)
    first = tf.cumsum(counts, exclusive=True)[replicas.replica_id_in_sync_group]
    return first + tf.range(local), tf.reduce_sum(counts)
