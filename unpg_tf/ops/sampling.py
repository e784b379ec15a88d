"""A sample of the classes that holds every positive one.

Source: An et al., *Killing Two Birds with One Stone: Efficient and Robust
Training of Face Recognition CNNs by Partial FC*, CVPR 2022.
"""

import tensorflow as tf


def sampled_classes(positives, num_classes, rate, seed):
    """Draws classes without replacement, beside all positive ones.

    Args:
        positives: [batch] int32 tensor of class ids; each is in the sample.
        num_classes: int.
        rate: float in (0, 1]: the share of the classes to draw from those
            that aren't positive.
        seed: [2] integer tensor. The same seed and positives give the same
            sample, on any device.

    Returns:
        [count] int32 tensor of distinct class ids, ascending. The count is
        `batch` and rate * num_classes, rounded up, together, and never more
        than `num_classes`. A class that is positive twice leaves room to
        draw one more.
    """
    drawn = int(-(-rate * num_classes // 1))
    count = tf.minimum(tf.size(positives) + drawn, num_classes)
    order = tf.random.stateless_uniform(
        [num_classes], seed, None, None, tf.int32, alg="philox"
    )
    first = tf.fill(tf.shape(positives), order.dtype.max)
    order = tf.tensor_scatter_nd_max(
        tf.bitwise.right_shift(order, 1), positives[:, tf.newaxis], first
    )
    return tf.sort(tf.math.top_k(order, count, sorted=False).indices)


def log_weights(classes, positives, num_classes):
    """How many classes each of a sample stands for in a softmax, as a log.

    The positive ones stand for themselves, and those that were drawn for all
    others: what they sum up to is then that of all classes, on average.

    Args:
        classes: [count] int32 tensor that `sampled_classes` gave.
        positives: [batch] int32 tensor, as it was given.
        num_classes: int.

    Returns:
        [count] float32 tensor.
    """
    # A label out of range is in no column: the loss tells of it.
    columns = tf.maximum(columns_of(classes, positives), 0)
    drawn = tf.tensor_scatter_nd_update(
        tf.ones([tf.size(classes)]),
        columns[:, tf.newaxis],
        tf.zeros([tf.size(positives)]),
    )
    number = tf.reduce_sum(drawn)
    others = number + tf.cast(num_classes - tf.size(classes), tf.float32)
    # Both are 0 where every class is positive.
    share = tf.maximum(others, 1.0) / tf.maximum(number, 1.0)
    return drawn * tf.math.log(share)


def with_steady_gradients(centers, log_weights):
    """The same centres, moved by the square roots of their weights.

    An embedding has to keep away from all classes, so that one which was
    drawn pushes it as strongly as those for which it stands. Its centre,
    pushed back as strongly, once in many steps, would have no steady place;
    pushed for its own share alone, it would hardly be pushed. This lies
    between, at their geometric mean.

    Args:
        centers: [count, dim] float tensor.
        log_weights: [count] float32 tensor: how many classes each stands for.

    Returns:
        A tensor like `centers`, whose gradient is divided by the square roots
        of the weights.
    """

    @tf.custom_gradient
    def steady(centers):
        def gradient(upstream):
            shares = tf.exp(-log_weights / 2)[:, tf.newaxis]
            return upstream * tf.cast(shares, upstream.dtype)

        return tf.identity(centers), gradient

    return steady(centers)


def columns_of(classes, labels):
    """Where each label stands in a sample of the classes.

    Args:
        classes: [count] int32 tensor, ascending.
        labels: [batch] int32 tensor.

    Returns:
        [batch] int32 tensor; -1 for a label that isn't in the sample.
    """
    columns = tf.searchsorted(classes, labels)
    found = tf.gather(classes, tf.minimum(columns, tf.size(classes) - 1))
    return tf.where(found == labels, columns, -1)
