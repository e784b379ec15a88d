"""UNPG's negative pairs: all of a batch, less the noisy ones.

Source: Jung et al., *Unified Negative Pair Generation toward Well-
discriminative Feature Space for Face Recognition*, BMVC 2022
(arXiv 2203.11593): its metric-level negative pairs and their box-and-whisker
noise filter.
"""

import math

import tensorflow as tf

from unpg_tf.ops.order_statistics import order_statistics

# The log of no mass at all. Finite, so that gradients are too.
_NOTHING = -1e30


def similarities(embeddings):
    """Cosine similarity of every two embeddings.

    Args:
        embeddings: [batch, dim] float tensor of unit vectors.

    Returns:
        [batch, batch] float tensor.
    """
    return tf.matmul(embeddings, embeddings, transpose_b=True)


def negative_pairs(labels):
    """Marks every pair of two classes once, above the diagonal.

    Args:
        labels: [batch] integer tensor.

    Returns:
        [batch, batch] bool tensor.
    """
    rows = tf.range(tf.size(labels))
    above = rows[:, tf.newaxis] < rows[tf.newaxis, :]
    return above & (labels[:, tf.newaxis] != labels[tf.newaxis, :])


def kept_negatives(pairs, negative, whisker):
    """Box-and-whisker filter: drops the outliers of the negative pairs.

    With the L negatives in ascending order, Q1 and Q3 are those at ranks
    floor(L/4) and floor(3L/4), without interpolation. Kept are similarities
    within [Q1 - whisker (Q3 - Q1), Q3 + whisker (Q3 - Q1)], both ends
    included.

    Args:
        pairs: [batch, batch] float32 or float64 tensor of similarities.
        negative: [batch, batch] bool tensor: which of them are negative
            pairs.
        whisker: float, at least 0; infinite to keep every pair.

    Returns:
        [batch, batch] bool tensor. No gradient flows through the whiskers.
    """
    if math.isinf(whisker):
        return negative
    # Integers: a quarter in float32 would be wrong beyond 2**24 pairs.
    count = tf.reduce_sum(tf.cast(negative, tf.int32))
    quarter, rest = count // 4, count % 4
    ranks = [quarter, 3 * quarter + 3 * rest // 4]
    q1, q3 = tf.unstack(order_statistics(pairs, negative, ranks))
    reach = whisker * (q3 - q1)
    pairs = tf.stop_gradient(pairs)
    return negative & (pairs >= q1 - reach) & (pairs <= q3 + reach)


def log_mass(pairs, kept, scale):
    """What the kept pairs weigh in a softmax: one number for all rows.

    N = logsumexp of scale * s over the kept similarities s. Since every row
    of the unified softmax sees every kept pair, this scalar stands for all of
    them, and nothing of size batch * batch**2 is ever made.

    Args:
        pairs: [batch, batch] float tensor of similarities.
        kept: [batch, batch] bool tensor.
        scale: float.

    Returns:
        Scalar float tensor; about -1e30 where no pair is kept.
    """
    return tf.reduce_logsumexp(tf.where(kept, scale * pairs, _NOTHING))
