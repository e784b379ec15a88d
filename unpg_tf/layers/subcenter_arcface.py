"""Sub-centre ArcFace: several centres a class, of which the nearest counts."""

import tensorflow as tf
from tensorflow import keras

from unpg_tf import ops
from unpg_tf.layers.arcface import ArcFace


@keras.utils.register_keras_serializable("unpg_tf")
class SubcenterArcFace(ArcFace):
    """ArcFace with K centres a class: its cosine is the largest of the K.

    Images that are labelled wrongly, or are unlike the others of their class,
    gather about centres of their own. `unpg_tf.evaluation.keep_dominant` finds
    them after training, and gives an `ArcFace` head for the next one.

    Args:
        num_classes: int, the number of classes.
        margin: float in [0, pi], radians.
        centers_per_class: int, above 0: K.
        **kwargs: Arguments of `ArcFace`.

    Attributes:
        centers: [num_classes, centers_per_class * dim] weight. A row holds
            the centres of a class, one after the other.

    Example:

    >>> head = unpg_tf.layers.SubcenterArcFace(1000, centers_per_class=3)
    >>> cosines = head(embeddings, labels)  # [batch, 1000]

    Reference: Deng et al., *Sub-center ArcFace: Boosting Face Recognition by
    Large-Scale Noisy Web Faces*, ECCV 2020.
    """

    def __init__(self, num_classes, margin=0.5, centers_per_class=3, **kwargs):
        super().__init__(num_classes, margin=margin, **kwargs)
        ops.expect_counts(centers_per_class=centers_per_class)
        self.centers_per_class = int(centers_per_class)

    def cosines_to(self, centers, units):
        """See `MarginHead.cosines_to`."""
        count = self.centers_per_class
        each = tf.reshape(centers, [-1, centers.shape[1] // count])
        cosines = super().cosines_to(each, units)
        classes = centers.shape[0] or tf.shape(centers)[0]
        cosines = tf.reshape(cosines, [tf.shape(units)[0], classes, count])
        return tf.reduce_max(cosines, axis=2)

    def get_config(self):
        """The arguments of the constructor, serialisable."""
        return {
            **super().get_config(),
            "centers_per_class": self.centers_per_class,
        }
