"""What the negative pairs of a batch weigh in a softmax, and its gradient."""

import math

import tensorflow as tf

from unpg_tf.ops import halves
from unpg_tf.ops.negatives import NOTHING
from unpg_tf.ops.negatives import kept_between
from unpg_tf.ops.negatives import whisker_bounds
from unpg_tf.ops.products import product
from unpg_tf.ops.products import rounded


def negative_mass(embeddings, labels, whisker, scale, product_dtype=None):
    """The log mass of the negative pairs of a batch that the filter keeps.

    What `similarities`, `negative_pairs`, `kept_negatives` and `log_mass` give
    one after the other, for less: the terms of the sum are the only matrix
    that the gradient multiplies, and as pairs of one half of the batch stand
    there twice, on both sides of the diagonal, one product brings each to both
    of its members. First derivatives only.

    Args:
        embeddings: [batch, dim] float32 or float64 tensor of unit vectors.
        labels: [batch] integer tensor of class ids, at least 0.
        whisker: float, at least 0; infinite to keep every pair.
        scale: float.
        product_dtype: "bfloat16" or "float16", to which the factors of the
            products are rounded, gradients included; `None` for none.

    Returns:
        Scalar float tensor; -1e30 where no pair is kept.
    """

    def term(left, right, **transposed):
        left = rounded(left, product_dtype)
        return product(left, right, **transposed)

    @tf.custom_gradient
    def of(embeddings):
        rows = rounded(embeddings, product_dtype)
        first, second = halves.halves_of(rows)
        pairs = halves.compared((first, second), halves.products)
        kept = kept_of(pairs, labels, whisker)
        log_sum, total, (across, upper, lower) = _summed(pairs, kept, scale)

        def gradient(slope):
            slopes = [
                term(across, second) + term(upper, first),
                term(across, first, transpose_a=True) + term(lower, second),
            ]
            slopes = tf.concat(slopes, axis=0)[: tf.shape(embeddings)[0]]
            return scale * slope / total * slopes

        return log_sum, gradient

    return of(embeddings)


def kept_of(pairs, labels, whisker):
    """Which pairs the filter keeps, in the form of `halves.compared`.

    Each is judged in one place, lest a product whose two sides of the diagonal
    differ in the last digit keep a pair for one of its members alone.
    """
    negative = halves.compared(halves.halves_of(labels), halves.are_two_classes)
    if math.isinf(whisker):
        return negative
    pairs, negative = halves.folded(*pairs), halves.folded(*negative)
    bounds = whisker_bounds(pairs, negative, whisker)
    return halves.unfolded(kept_between(*bounds, pairs, negative))


def _summed(pairs, kept, scale):
    """The log of the sum, the sum beside its largest term, and the terms."""
    largest = tf.reduce_max(
        [
            tf.reduce_max(tf.where(mask, square, NOTHING), axis=1)
            for square, mask in zip(pairs, kept, strict=True)
        ]
    )
    terms = [
        tf.where(mask, tf.exp(scale * (square - largest)), 0.0)
        for square, mask in zip(pairs, kept, strict=True)
    ]
    # Row by row first: one running sum over millions would lose digits.
    across, *within = [tf.math.log(tf.reduce_sum(x, axis=1)) for x in terms]
    twice = tf.math.log(tf.constant(2.0, across.dtype))
    rows = tf.concat([across, *[x - twice for x in within]], axis=0)
    log_total = tf.reduce_logsumexp(rows)
    log_sum = tf.maximum(scale * largest + log_total, NOTHING)
    # The largest term is 1, unless there is none.
    return log_sum, tf.maximum(tf.exp(log_total), 1.0), terms
