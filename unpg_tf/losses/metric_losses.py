"""Losses of pairs and triplets alone: the baselines without class centres."""

import tensorflow as tf
from tensorflow import keras

from unpg_tf import distribute
from unpg_tf import ops

# More than any distance or logit, and finite, so that gradients are too.
_FAR = 1e9


class MetricLoss(keras.losses.Loss):
    """Base of losses that compare embeddings with embeddings.

    Every row is compared with all rows of the global batch, on several
    replicas as on one. Embeddings are brought to unit length. Columns of
    `y_pred` before the embedding, such as the cosines of a head, are not
    used and get no gradient; there need not be any.

    Args:
        embedding_dim: int, above 0: how many of the last columns of `y_pred`
            are the embedding.
        **kwargs: Arguments of `keras.losses.Loss`: `reduction`, `name`.

    Call arguments:
        y_true: [batch] or [batch, 1] integer class ids, below 2**24.
        y_pred: [batch, any + embedding_dim] float tensor.

    Raises:
        ValueError: For an argument out of range.
    """

    def __init__(self, embedding_dim=512, **kwargs):
        super().__init__(**kwargs)
        ops.expect(
            embedding_dim > 0,
            "embedding_dim above 0",
            embedding_dim=embedding_dim,
        )
        self.embedding_dim = embedding_dim

    def call(self, y_true, y_pred):
        """Computes the [batch] losses."""
        y_pred = ops.in_single_precision(y_pred)
        ops.expect(
            y_pred.shape.rank == 2
            and (y_pred.shape[-1] or 0) >= self.embedding_dim,
            f"y_pred with at least {self.embedding_dim} columns",
            shape=tuple(y_pred.shape),
        )
        units, _ = ops.unit_vectors(y_pred[:, -self.embedding_dim :])
        labels = tf.cast(tf.reshape(y_true, [-1]), tf.int32)
        numbers, count = distribute.row_numbers(units)
        cosines = tf.matmul(
            units, distribute.all_gather(units), transpose_b=True
        )
        same = labels[:, tf.newaxis] == distribute.all_gather(labels)
        other = numbers[:, tf.newaxis] != tf.range(count)
        losses = self.row_losses(cosines, same & other, ~same)
        if self.reduction not in ("sum", "none"):
            losses = distribute.as_global_mean(losses)
        return losses

    def row_losses(self, cosines, positive, negative):
        """The loss of each local row.

        Args:
            cosines: [local batch, global batch] float tensor.
            positive: bool tensor like it: another image of the same class.
            negative: bool tensor like it: an image of another class.

        Returns:
            [local batch] float tensor.
        """
        raise NotImplementedError

    def get_config(self):
        """The arguments of the constructor, serialisable."""
        return {**super().get_config(), "embedding_dim": self.embedding_dim}


@keras.utils.register_keras_serializable("unpg_tf")
class TripletSemiHardLoss(MetricLoss):
    """Triplets with the nearest negative that is further than the positive.

    mean over positive pairs of max(0, margin + d_ap - d_an), d the squared
    distance of unit vectors; where no negative is further, the furthest.
    Costs a sort of each row, not a tensor of triplets.

    Args:
        margin: float, above 0.
        **kwargs: Arguments of `MetricLoss`.

    Reference: Schroff et al., *FaceNet*, CVPR 2015.
    """

    def __init__(self, margin=0.2, **kwargs):
        super().__init__(**kwargs)
        ops.expect(margin > 0, "margin above 0", margin=margin)
        self.margin = margin

    def row_losses(self, cosines, positive, negative):
        """See `MetricLoss.row_losses`."""
        distances = 2.0 - 2.0 * cosines
        furthest = tf.reduce_max(
            tf.where(negative, distances, -_FAR), axis=1, keepdims=True
        )
        ascending = tf.sort(tf.where(negative, distances, _FAR), axis=1)
        ascending = tf.pad(ascending, [[0, 0], [0, 1]], constant_values=_FAR)
        places = tf.searchsorted(
            tf.stop_gradient(ascending),
            tf.stop_gradient(distances),
            side="right",
        )
        places = tf.minimum(places, tf.shape(distances)[1])
        beyond = tf.gather(ascending, places, batch_dims=1)
        chosen = tf.where(beyond < _FAR, beyond, furthest)
        used = positive & tf.reduce_any(negative, axis=1, keepdims=True)
        hinges = tf.nn.relu(self.margin + distances - chosen)
        sums = tf.reduce_sum(tf.where(used, hinges, 0.0), axis=1)
        counts = tf.reduce_sum(tf.cast(used, sums.dtype), axis=1)
        # Rows have different numbers of positives: the mean is over those.
        mean = tf.reduce_mean(distribute.all_gather(counts))
        return sums / tf.maximum(mean, 1e-12)

    def get_config(self):
        """The arguments of the constructor, serialisable."""
        return {**super().get_config(), "margin": self.margin}


@keras.utils.register_keras_serializable("unpg_tf")
class MultiSimilarityLoss(MetricLoss):
    """Pairs weighed by their own and their neighbours' similarity.

    loss_i = log(1 + sum_p exp(-alpha (s_ip - base))) / alpha
           + log(1 + sum_n exp(beta (s_in - base))) / beta

    over positives less than `epsilon` above the hardest negative, and
    negatives less than `epsilon` below the hardest positive.

    Args:
        alpha, beta: floats, above 0.
        base: float.
        epsilon: float, at least 0.
        **kwargs: Arguments of `MetricLoss`.

    Reference: Wang et al., *Multi-Similarity Loss*, CVPR 2019.
    """

    def __init__(self, alpha=2.0, beta=50.0, base=0.5, epsilon=0.1, **kwargs):
        super().__init__(**kwargs)
        ops.expect(
            min(alpha, beta) > 0, "alpha, beta above 0", alpha=alpha, beta=beta
        )
        ops.expect(epsilon >= 0, "epsilon of at least 0", epsilon=epsilon)
        self.alpha = alpha
        self.beta = beta
        self.base = base
        self.epsilon = epsilon

    def row_losses(self, cosines, positive, negative):
        """See `MetricLoss.row_losses`."""
        nearest = _hardest(cosines, negative, tf.reduce_max, -_FAR)
        furthest = _hardest(cosines, positive, tf.reduce_min, _FAR)
        pulled = positive & (cosines < nearest + self.epsilon)
        pushed = negative & (cosines > furthest - self.epsilon)
        above = cosines - self.base
        pull = tf.math.softplus(_log_sum(-self.alpha * above, pulled))
        push = tf.math.softplus(_log_sum(self.beta * above, pushed))
        return pull / self.alpha + push / self.beta

    def get_config(self):
        """The arguments of the constructor, serialisable."""
        return {
            **super().get_config(),
            "alpha": self.alpha,
            "beta": self.beta,
            "base": self.base,
            "epsilon": self.epsilon,
        }


@keras.utils.register_keras_serializable("unpg_tf")
class CircleLoss(MetricLoss):
    """Pairs weighed by how far each is from where it should be.

    loss_i = log(1 + sum_n exp(g a_n (s_n - m)) sum_p exp(-g a_p (s_p - 1 + m)))
    with a_n = relu(s_n + m) and a_p = relu(1 + m - s_p), without gradient.

    Args:
        margin: float in [0, 1]: m.
        gamma: float, above 0: g.
        **kwargs: Arguments of `MetricLoss`.

    Reference: Sun et al., *Circle Loss*, CVPR 2020, equation 6.
    """

    def __init__(self, margin=0.25, gamma=256.0, **kwargs):
        super().__init__(**kwargs)
        ops.expect(0 <= margin <= 1, "margin in [0, 1]", margin=margin)
        ops.expect(gamma > 0, "gamma above 0", gamma=gamma)
        self.margin = margin
        self.gamma = gamma

    def row_losses(self, cosines, positive, negative):
        """See `MetricLoss.row_losses`."""
        m = self.margin
        fixed = tf.stop_gradient(cosines)
        pull = -tf.nn.relu(1 + m - fixed) * (cosines - (1 - m))
        push = tf.nn.relu(fixed + m) * (cosines - m)
        return tf.math.softplus(
            _log_sum(self.gamma * pull, positive)
            + _log_sum(self.gamma * push, negative)
        )

    def get_config(self):
        """The arguments of the constructor, serialisable."""
        return {
            **super().get_config(),
            "margin": self.margin,
            "gamma": self.gamma,
        }


@keras.utils.register_keras_serializable("unpg_tf")
class NPairLoss(MetricLoss):
    """Each positive in a softmax with all negatives of its row.

    loss_i = mean over positives p of log(1 + sum_n exp(s (c_in - c_ip)))

    Args:
        scale: float, above 0: s.
        **kwargs: Arguments of `MetricLoss`.

    Reference: Sohn, *Improved Deep Metric Learning with Multi-class N-pair
    Loss Objective*, NeurIPS 2016, on unit vectors.
    """

    def __init__(self, scale=16.0, **kwargs):
        super().__init__(**kwargs)
        ops.expect(scale > 0, "scale above 0", scale=scale)
        self.scale = scale

    def row_losses(self, cosines, positive, negative):
        """See `MetricLoss.row_losses`."""
        logits = self.scale * cosines
        negatives = _log_sum(logits, negative)[:, tf.newaxis]
        losses = tf.math.softplus(negatives - logits)
        positive = tf.cast(positive, losses.dtype)
        return tf.math.divide_no_nan(
            tf.reduce_sum(positive * losses, axis=1),
            tf.reduce_sum(positive, axis=1),
        )

    def get_config(self):
        """The arguments of the constructor, serialisable."""
        return {**super().get_config(), "scale": self.scale}


def _hardest(cosines, among, reduce, nothing):
    cosines = tf.stop_gradient(cosines)
    return reduce(tf.where(among, cosines, nothing), axis=1, keepdims=True)


def _log_sum(logits, among):
    """Log of the summed exponentials; about -1e9 where there are none."""
    return tf.reduce_logsumexp(tf.where(among, logits, -_FAR), axis=1)
