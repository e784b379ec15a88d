"""The softmax over classes, and over negative pairs where there are any."""

import functools
import math

import tensorflow as tf

from unpg_tf.ops.targets import add_to_targets
from unpg_tf.ops.targets import targets_of


def softmax_loss(
    cosines,
    labels,
    scale,
    log_negatives=None,
    max_pair_share=1.0,
    max_target_ratio=math.inf,
):
    """Cross-entropy of scaled cosines against their targets.

    loss_i = -s cos_iy + log(Z_i + P_i), Z_i = sum_j exp(s cos_ij), where
    P_i = exp(N), and N is the log mass of the negative pairs: the UNPG
    paper's unified loss with its sum over pairs taken out of the rows.

    With a `max_pair_share` r below 1, P_i = min(exp(N), Z_i r / (1 - r)), so
    that the pairs hold at most r of a row's denominator. In the gradient,
    P_i / exp(N) counts as a constant. Where the bound is active, the gradient
    of a row is therefore (1 - r) times that of log Z_i - s cos_iy, the softmax
    over the classes alone, and r times that of N - s cos_iy.

    With a `max_target_ratio` k, P_i is at most k exp(s cos_iy) too, likewise
    without a gradient through the bound.

    Args:
        cosines: [batch, num_classes] float tensor, with the margin applied.
        labels: [batch] int32 tensor.
        scale: float, the inverse temperature s.
        log_negatives: Scalar float tensor N, or `None` for the softmax over
            the classes alone.
        max_pair_share: float r in (0, 1]; 1 for no bound.
        max_target_ratio: float k above 0; infinite for no bound.

    Returns:
        [batch] float tensor of losses.
    """
    log_sum, targets = _log_sum_and_targets(scale, cosines, labels)
    if log_negatives is not None:
        log_odds = log_negatives - log_sum
        bound = log_odds_bound(
            log_sum, scale * targets, max_pair_share, max_target_ratio
        )
        if bound is not None:
            log_odds = _bounded(log_odds, bound)
        log_sum += tf.math.softplus(log_odds)
    return log_sum - scale * targets


def log_odds_bound(log_classes, logits, max_pair_share, max_target_ratio):
    """The largest log of what pairs count beside the classes, P_i / Z_i.

    Args:
        log_classes: [batch] float tensor, log Z_i.
        logits: [batch] float tensor, s cos_iy.
        max_pair_share: as in `softmax_loss`.
        max_target_ratio: likewise.

    Returns:
        [batch] or scalar float tensor without gradient; `None` for no bound.
    """
    bounds = []
    if max_pair_share < 1:
        odds = math.log(max_pair_share) - math.log1p(-max_pair_share)
        bounds.append(tf.constant(odds, log_classes.dtype))
    if not math.isinf(max_target_ratio):
        bounds.append(math.log(max_target_ratio) + logits - log_classes)
    if not bounds:
        return None
    return tf.stop_gradient(functools.reduce(tf.minimum, bounds))


def _bounded(log_odds, bound):
    """At most the bound; the gradient passes unchanged."""
    return tf.grad_pass_through(lambda odds: tf.minimum(odds, bound))(log_odds)


def _log_sum_and_targets(scale, cosines, labels):
    """Both that a row's loss needs of its cosines, in one gradient.

    Each row's terms of the sum are kept, and become the gradient: no other
    [batch, num_classes] matrix is made. First derivatives only.
    """

    @tf.custom_gradient
    def of(cosines):
        largest = tf.reduce_max(cosines, axis=1)
        terms = tf.exp(scale * (cosines - largest[:, tf.newaxis]))
        total = tf.reduce_sum(terms, axis=1)

        def gradient(to_log_sum, to_targets):
            weights = scale * to_log_sum / total
            slopes = weights[:, tf.newaxis] * terms
            return add_to_targets(slopes, labels, to_targets)

        log_sum = scale * largest + tf.math.log(total)
        return (log_sum, targets_of(cosines, labels)), gradient

    return of(cosines)
