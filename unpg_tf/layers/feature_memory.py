"""The newest embedding of each class, in the place of its centre."""

import tensorflow as tf

from unpg_tf import compat
from unpg_tf import distribute
from unpg_tf import ops


class FeatureMemory:
    """Mixed into a `MarginHead`, makes its class centres a memory.

    `centers` holds the newest embedding of each class, of unit length; zeros
    for a class that hasn't been seen. It is not trained, but saved with the
    other weights. A training step first takes the cosines to what earlier
    steps have left, then stores the embeddings of the global batch: the last
    one of a class in the order of the replicas stays, and so any number of
    replicas stores what one device does. Embeddings that aren't finite are
    not stored.

    A memory takes all classes: neither `sample_rate` nor `sharded`.

    Example:

    >>> @keras.utils.register_keras_serializable("mine")
    ... class SampleSoftmax(unpg_tf.layers.FeatureMemory, CosFace):
    ...     pass  # with MarginLoss: samples against the newest samples
    """

    def add_centers(self, dim):
        """Creates the memory."""
        ops.expect(
            self.sample_rate == 1 and not self.sharded,
            "sample_rate=1 and sharded=False for a memory of all classes",
            sample_rate=self.sample_rate,
            sharded=self.sharded,
        )
        return self.add_state("centers", 0.0, shape=(self.num_classes, dim))

    def _cosines(self, embeddings, centers, labels, training):
        centers = tf.stop_gradient(centers)
        cosines = super()._cosines(embeddings, centers, labels, training)
        if training and labels is not None:
            self._remember(embeddings, labels)
        return cosines

    def _remember(self, embeddings, labels):
        units, _ = ops.unit_vectors(tf.stop_gradient(embeddings))
        units, labels, _ = distribute.gather_batch(units, labels)
        finite = tf.reduce_all(tf.math.is_finite(units), axis=1)
        rows = tf.where(finite, tf.range(tf.size(labels)), -1)
        last = tf.math.unsorted_segment_max(rows, labels, self.num_classes)
        last = tf.gather(last, labels)
        # Rows of one class all write the same, in whichever order.
        newest = tf.where(
            (last >= 0)[:, tf.newaxis],
            tf.gather(units, tf.maximum(last, 0)),
            tf.gather(tf.convert_to_tensor(self.centers), labels),
        )
        memory = compat.tf_variable(self.centers)
        memory.scatter_update(tf.IndexedSlices(newest, labels))
