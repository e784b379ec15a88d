"""What the negative pairs of a batch weigh in a softmax, and its gradient."""

import tensorflow as tf

from unpg_tf.ops import halves
from unpg_tf.ops.negatives import NOTHING
from unpg_tf.ops.negatives import kept_negatives
from unpg_tf.ops.negatives import negative_pairs
from unpg_tf.ops.negatives import similarities
from unpg_tf.ops.products import product
from unpg_tf.ops.products import rounded


def negative_mass(embeddings, labels, whisker, scale, product_dtype=None):
    """The log mass of the negative pairs of a batch that the filter keeps.

    What `similarities`, `negative_pairs`, `kept_negatives` and `log_mass` give
    one after the other, for less: the terms of the sum are the only matrix
    that the gradient multiplies. Each pair is judged, and its term computed, in
    one place; the gradient reads it for both of its members. First derivatives
    only.

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
        pairs = similarities(rows)
        kept = kept_negatives(pairs, negative_pairs(labels), whisker)
        log_sum, total, terms = _summed(pairs, kept, scale)

        def gradient(slope):
            first, second = halves.halves_of(rows)
            across, upper, lower = halves.unfolded(terms)
            slopes = [
                term(across, second) + term(upper, first),
                term(across, first, transpose_a=True) + term(lower, second),
            ]
            slopes = tf.concat(slopes, axis=0)[: tf.shape(embeddings)[0]]
            return scale * slope / total * slopes

        return log_sum, gradient

    return of(embeddings)


def _summed(pairs, kept, scale):
    """The log of the sum, the sum beside its largest term, and the terms."""
    largest = tf.reduce_max(tf.where(kept, pairs, NOTHING), axis=-1)
    largest = tf.reduce_max(largest)
    terms = tf.where(kept, tf.exp(scale * (pairs - largest)), 0.0)
    # Row by row first: one running sum over millions would lose digits.
    rows = tf.math.log(tf.reduce_sum(terms, axis=-1))
    log_total = tf.reduce_logsumexp(rows)
    log_sum = tf.maximum(scale * largest + log_total, NOTHING)
    # The largest term is 1, unless there is none.
    return log_sum, tf.maximum(tf.exp(log_total), 1.0), terms
