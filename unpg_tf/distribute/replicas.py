"""One global batch out of the replicas' local ones, in value and gradient.

Every function is called by all replicas alike and in the same order (never
inside `tf.cond`), does nothing on a single replica, and nothing outside a
replica's own code, as when Keras builds a model symbolically.

What is said between replicas is said in floats, and seldom: a message costs
more than the few bytes in it, and integers would go by the hosts' memory.
"""

import tensorflow as tf

_SUM = tf.distribute.ReduceOp.SUM

_HALF = 2**16

# Each of their workers goes its own way.
_OUT_OF_STEP = (
    tf.distribute.experimental.ParameterServerStrategy,
    tf.compat.v1.distribute.experimental.ParameterServerStrategy,
)


def _replicas():
    """The replica context, or `None` where there is nobody to speak to."""
    context = tf.distribute.get_replica_context()
    if context is None:
        return None
    if isinstance(context.strategy, _OUT_OF_STEP):
        raise ValueError(
            "Expected replicas that train in step, as those of "
            "MirroredStrategy: the negatives and statistics are those of one "
            "global batch, which the workers of parameter servers never see. "
            f"Received: {type(context.strategy).__name__}"
        )
    return None if context.num_replicas_in_sync == 1 else context


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


def gather_labels(labels):
    """Joins the labels of all replicas, where no embeddings go with them.

    Args:
        labels: [local batch] int32 tensor of class ids, at least 0.

    Returns:
        [global batch] int32 tensor, the same on every replica.
    """
    replicas = _replicas()
    if replicas is None:
        return labels
    numbers = _in_floats(labels, tf.float32)
    return _from_floats(replicas.all_gather(numbers, axis=0))


def gather_batch(embeddings, labels):
    """Joins embeddings and labels of all replicas, by one gather for both.

    Args:
        embeddings: [local batch, dim] float32 or float64 tensor.
        labels: [local batch] int32 tensor of class ids, at least 0.

    Returns:
        A tuple of the [global batch, dim] embeddings, whose gradient is
        summed over the replicas as that of `all_gather` is; of the
        [global batch] labels; and of the [local batch] int32 numbers that the
        local rows have among them.
    """
    replicas = _replicas()
    if replicas is None:
        return embeddings, labels, tf.range(tf.size(labels))
    return _gathered(
        replicas, embeddings, labels, lambda x: replicas.all_reduce(_SUM, x)
    )


def of_all_rows(function, embeddings, labels):
    """Computes a number of the global batch, the same on every replica.

    As each replica derives the same gradient of that number for all rows, the
    replicas tell each other how much the number weighs in their losses, one
    float each, and not the gradient of every row.

    Args:
        function: Of [batch, dim] embeddings and [batch] labels to a scalar
            float tensor; it may not use trained variables.
        embeddings: [local batch, dim] float32 or float64 tensor.
        labels: [local batch] int32 tensor of class ids, at least 0.

    Returns:
        A tuple of what the function gives for the rows of all replicas, and
        of their number as an int32 scalar.
    """
    replicas = _replicas()
    if replicas is None:
        return function(embeddings, labels), tf.size(labels)
    # The gradient of the rows is whole as soon as that of the number is.
    rows, labels, _ = _gathered(replicas, embeddings, labels, tf.identity)

    @tf.custom_gradient
    def shared(number):
        return number, lambda weight: replicas.all_reduce(_SUM, weight)

    return shared(function(rows, labels)), tf.size(labels)


def all_sum(tensor):
    """Adds up the replicas' tensors.

    Differentiable: the gradients of the sum are summed over the replicas.

    Args:
        tensor: float tensor, of one shape on all replicas.

    Returns:
        A tensor like it, the same on every replica.
    """
    replicas = _replicas()
    return tensor if replicas is None else replicas.all_reduce(_SUM, tensor)


def as_global_mean(values, all_rows=None):
    """Makes the replicas' means of local rows one mean of all rows.

    Keras averages over the local rows, then over the replicas, which gives
    the rows of a smaller batch (the last one of an epoch) more weight. The
    gradients of `values` are therefore scaled by the local share of the
    rows: replicas * local rows / global rows. The values stay: Keras weighs
    them by the local rows when it reports a loss.

    Args:
        values: [local batch] float tensor of losses, one a row.
        all_rows: int32 scalar, the rows of the global batch, where they have
            been counted already.

    Returns:
        The same values, with scaled gradients.
    """
    replicas = _replicas()
    if replicas is None:
        return values
    rows = tf.cast(tf.size(values), values.dtype)
    if all_rows is None:
        all_rows = replicas.all_reduce(_SUM, rows)
    share = replicas.num_replicas_in_sync * rows
    share /= tf.cast(all_rows, values.dtype)
    return share * values + tf.stop_gradient((1 - share) * values)


def mean_of_all(values):
    """The mean over the rows of all replicas; no gradient flows through it.

    Args:
        values: [local batch] float tensor.

    Returns:
        Scalar float tensor, the same on every replica.
    """
    values = tf.stop_gradient(values)
    replicas = _replicas()
    if replicas is None:
        return tf.reduce_mean(values)
    rows = tf.cast(tf.size(values), values.dtype)
    sums = tf.stack([tf.reduce_sum(values), rows])
    total, rows = tf.unstack(replicas.all_reduce(_SUM, sums))
    return total / rows


def first_row(rows):
    """Tells where the local rows begin in the global batch.

    Args:
        rows: [local batch, ...] tensor.

    Returns:
        int32 scalar, the rows of all replicas before this one.
    """
    replicas = _replicas()
    if replicas is None:
        return tf.constant(0)
    me, count = replicas.replica_id_in_sync_group, replicas.num_replicas_in_sync
    local = tf.cast(tf.shape(rows)[0], tf.float32)
    counts = replicas.all_reduce(_SUM, tf.one_hot(me, count, local))
    before = tf.cast(tf.range(count) < me, tf.float32)
    return tf.cast(tf.reduce_sum(before * counts), tf.int32)


def _gathered(replicas, embeddings, labels, of_slopes):
    """Embeddings and labels of all, and the numbers of the own rows.

    They travel as columns of one matrix, beside each row's replica. The own
    rows of what `of_slopes` makes of the embeddings' gradient are taken back.
    """
    dim, dtype = embeddings.shape[1], embeddings.dtype
    local = embeddings.shape[0]
    local = tf.shape(embeddings)[0] if local is None else local
    me = replicas.replica_id_in_sync_group
    owners = tf.fill([local, 1], tf.cast(me, dtype))
    columns = [embeddings, _in_floats(labels, dtype), owners]
    matrix = tf.stop_gradient(tf.concat(columns, axis=1))
    matrix = replicas.all_gather(matrix, axis=0)
    everybody, numbers, owners = tf.split(matrix, [dim, 2, 1], axis=1)
    before = owners < tf.cast(me, dtype)
    first = tf.reduce_sum(tf.cast(before, tf.int32))

    @tf.custom_gradient
    def rows(embeddings):
        del embeddings
        return tf.identity(everybody), lambda slopes: tf.slice(
            of_slopes(slopes), [first, 0], [local, dim]
        )

    labels = _from_floats(numbers)
    return rows(embeddings), labels, first + tf.range(local)


def _in_floats(labels, dtype):
    """[rows] labels -> [rows, 2] floats, of which each holds half the bits.

    A float32 tells integers apart up to 2**24.
    """
    halves = [labels // _HALF, labels % _HALF]
    return tf.cast(tf.stack(halves, axis=1), dtype)


def _from_floats(numbers):
    numbers = tf.cast(numbers, tf.int32)
    return _HALF * numbers[:, 0] + numbers[:, 1]
