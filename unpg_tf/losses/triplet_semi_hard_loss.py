"""Triplets with semi-hard negatives."""

import tensorflow as tf
from tensorflow import keras

from unpg_tf import distribute
from unpg_tf import ops
from unpg_tf.losses.metric_loss import FAR
from unpg_tf.losses.metric_loss import MetricLoss


@keras.utils.register_keras_serializable("unpg_tf")
class TripletSemiHardLoss(MetricLoss):
    """Triplets with the nearest negative that is further than the positive.

    mean over positive pairs of max(0, margin + d_ap - d_an), d the squared
    distance of unit vectors; where no negative is further, the furthest.
    Costs a sort of each row, not a tensor of triplets.

    Args:
        margin: float, above 0.
        **kwargs: Arguments of `MetricLoss`.

    Example:

    >>> model = unpg_tf.models.EmbeddingModel(backbone, head)
    >>> loss = unpg_tf.losses.TripletSemiHardLoss(embedding_dim=512)
    >>> model.compile("sgd", loss)  # the head stays as it is

    Reference: Schroff et al., *FaceNet*, CVPR 2015.
    """

    def __init__(self, margin=0.2, **kwargs):
        super().__init__(**kwargs)
        ops.expect_numbers(margin=margin)
        ops.expect(margin > 0, "margin above 0", margin=margin)
        self.margin = float(margin)

    def row_losses(self, cosines, positive, negative):
        """See `MetricLoss.row_losses`."""
        distances = 2.0 - 2.0 * cosines
        hinges = tf.nn.relu(
            self.margin + distances - _semi_hard(distances, negative)
        )
        used = positive & tf.reduce_any(negative, axis=1, keepdims=True)
        sums = tf.reduce_sum(tf.where(used, hinges, 0.0), axis=1)
        counts = tf.reduce_sum(tf.cast(used, sums.dtype), axis=1)
        # Rows have different numbers of positives: the mean is over those.
        mean = distribute.mean_of_all(counts)
        return tf.math.divide_no_nan(sums, mean)

    def get_config(self):
        """The arguments of the constructor, serialisable."""
        return {**super().get_config(), "margin": self.margin}


def _semi_hard(distances, negative):
    """For each distance the next larger one of a negative, else the largest."""
    furthest = tf.reduce_max(
        tf.where(negative, distances, -FAR), axis=1, keepdims=True
    )
    ascending = tf.sort(tf.where(negative, distances, FAR), axis=1)
    ascending = tf.pad(ascending, [[0, 0], [0, 1]], constant_values=FAR)
    places = tf.searchsorted(
        tf.stop_gradient(ascending), tf.stop_gradient(distances), side="right"
    )
    # By places in one long row: a batched `tf.gather` has a gradient of
    # another shape where a replica has no rows.
    rows, columns = tf.unstack(tf.shape(ascending))
    places += columns * tf.range(rows)[:, tf.newaxis]
    beyond = tf.gather(tf.reshape(ascending, [-1]), places)
    return tf.where(beyond < FAR, beyond, furthest)
