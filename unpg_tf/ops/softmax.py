"""The softmax over classes, and over negative pairs where there are any."""

import tensorflow as tf

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
    log_sum = tf.reduce_logsumexp(scale * cosines, axis=1)
    if log_negatives is not None:
        log_sum += tf.math.softplus(log_negatives - log_sum)
    return log_sum - scale * targets_of(cosines, labels)
