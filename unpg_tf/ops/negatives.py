"""UNPG's negative pairs: all of a batch, less the noisy ones.

Source: Jung et al., *Unified Negative Pair Generation toward Well-
discriminative Feature Space for Face Recognition*, BMVC 2022
(arXiv 2203.11593): its metric-level negative pairs and their box-and-whisker
noise filter.
"""

import math

import tensorflow as tf

from unpg_tf.ops import halves
from unpg_tf.ops.order_statistics import order_statistics

# The log of no mass at all. Finite, so that gradients are too.
NOTHING = -1e30


def similarities(embeddings):
    """Cosine similarity of every two embeddings, each pair once.

    The batch is cut into a first and a second half. [0, p, q] is the pair of
    p in the first half and q in the second. [1, p, q] is a pair of the first
    half above the diagonal, p < q, and one of the second half below it. So
    half of what a symmetric matrix would hold is computed and searched.

    Args:
        embeddings: [batch, dim] float tensor of unit vectors.

    Returns:
        [2, half, half] float tensor, half being batch / 2 rounded up. On the
        diagonal of the second matrix, and where an odd batch has no partner,
        is no pair: see `negative_pairs`.
    """
    return _each_pair(embeddings, halves.products)


def negative_pairs(labels):
    """Marks the pairs of two classes among those of `similarities`.

    Args:
        labels: [batch] integer tensor of class ids, at least 0.

    Returns:
        [2, half, half] bool tensor.
    """
    return _each_pair(labels, halves.are_two_classes)


def positive_pairs(labels):
    """Marks the pairs of one class among those of `similarities`.

    Args:
        labels: [batch] integer tensor of class ids, at least 0.

    Returns:
        [2, half, half] bool tensor.
    """
    across, within = tf.unstack(_each_pair(labels, halves.are_one_class))
    rows = tf.range(tf.shape(within)[0])
    return tf.stack([across, within & (rows[:, tf.newaxis] != rows)])


def kept_negatives(pairs, negative, whisker):
    """Box-and-whisker filter: drops the outliers of the negative pairs.

    What `kept_pairs` says of them, on both sides.

    Args:
        pairs: float32 or float64 tensor of similarities.
        negative: bool tensor of the same shape: which of them are negative
            pairs.
        whisker: float, at least 0; infinite to keep every pair.

    Returns:
        bool tensor of the same shape. No gradient flows through the whiskers.
    """
    return kept_pairs(pairs, negative, whisker)


def kept_pairs(pairs, among, whisker, upper_only=False):
    """Box-and-whisker filter: drops the outliers of some of the pairs.

    With the L of them in ascending order, Q1 and Q3 are those at ranks
    floor(L/4) and floor(3L/4), without interpolation. Kept are similarities
    within [Q1 - whisker (Q3 - Q1), Q3 + whisker (Q3 - Q1)], both ends
    included.

    Args:
        pairs: float32 or float64 tensor of similarities.
        among: bool tensor of the same shape: which of them take part.
        whisker: float, at least 0; infinite to keep every pair.
        upper_only: bool. Whether those below the lower bound are kept too.

    Returns:
        bool tensor of the same shape. No gradient flows through the whiskers.
    """
    if math.isinf(whisker):
        return among
    low, high = whisker_bounds(pairs, among, whisker)
    pairs = tf.stop_gradient(pairs)
    kept = among & (pairs <= high)
    return kept if upper_only else kept & (pairs >= low)


def whisker_bounds(pairs, negative, whisker):
    """The ends of the whiskers of `kept_negatives`.

    Args:
        pairs: float32 or float64 tensor of similarities.
        negative: bool tensor of the same shape.
        whisker: float, at least 0, finite.

    Returns:
        A tuple of two scalars like `pairs`, without gradient; NaN where there
        is no negative pair.
    """
    q1, q3 = tf.unstack(order_statistics(pairs, negative, _quarters))
    reach = whisker * (q3 - q1)
    return q1 - reach, q3 + reach


def log_mass(pairs, kept, scale):
    """What the kept pairs weigh in a softmax: one number for all rows.

    N = logsumexp of scale * s over the kept similarities s. Since every row
    of the unified softmax sees every kept pair, this scalar stands for all of
    them, and nothing of size batch * batch**2 is ever made.

    Args:
        pairs: [..., n] float tensor of similarities.
        kept: bool tensor of the same shape.
        scale: float.

    Returns:
        Scalar float tensor; about -1e30 where no pair is kept.
    """
    # Row by row first: one running sum over millions would lose digits.
    of_rows = tf.reduce_logsumexp(
        tf.where(kept, scale * pairs, NOTHING), axis=-1
    )
    return tf.reduce_logsumexp(of_rows)


def _quarters(count):
    # Integers: a quarter in float32 would be wrong beyond 2**24 pairs.
    quarter, rest = count // 4, count % 4
    return [quarter, 3 * quarter + 3 * rest // 4]


def _each_pair(rows, compare):
    return halves.folded(*halves.compared(halves.halves_of(rows), compare))
