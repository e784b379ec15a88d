"""The softmax over classes, and over negative pairs where there are any."""

import tensorflow as tf

from unpg_tf.ops.targets import add_to_targets
from unpg_tf.ops.targets import targets_of


def softmax_loss(cosines, labels, scale, log_negatives=None):
    """Cross-entropy of scaled cosines against their targets.

    loss_i = -s cos_iy + log(sum_j exp(s cos_ij) + exp(N)), where N is the
    shared log mass of the negative pairs: the UNPG paper's unified loss with
    its sum over pairs taken out of the rows.

    Args:
        cosines: [batch, num_classes] float tensor, with the margin applied.
        labels: [batch] int32 tensor.
        scale: float, the inverse temperature s.
        log_negatives: Scalar float tensor N, or `None` for the softmax over
            the classes alone.

    Returns:
        [batch] float tensor of losses.
    """
    log_sum, targets = _log_sum_and_targets(scale, cosines, labels)
    if log_negatives is not None:
        log_sum += tf.math.softplus(log_negatives - log_sum)
    return log_sum - scale * targets


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
