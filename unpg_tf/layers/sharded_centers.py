"""Class centres that the replicas of a strategy divide among themselves."""

import tensorflow as tf

from unpg_tf import distribute
from unpg_tf import ops


class ShardedCenters:
    """The part of `MarginHead` that is about shards of its class centres."""

    @property
    def is_divided(self):
        """Whether replicas hold shards of the class centres."""
        return self.built and distribute.is_sharded(self.centers)

    def add_centers(self, dim):
        """Creates the class centres: whole, or a shard on each replica."""
        shape = [self.num_classes, dim]
        rows = self.num_classes
        if self.sharded:
            rows = distribute.rows_of_a_shard(rows)
        if rows == self.num_classes:
            return self.add_weight(
                name="centers",
                shape=shape,
                initializer=self.centers_initializer,
            )
        shards = self.add_weight(
            name="centers", shape=[rows, dim], initializer="zeros"
        )
        distribute.as_shards(shards, self.num_classes)
        # Drawn as one, to be the same on any number of replicas; perhaps too
        # large for the device of one.
        with tf.device("CPU:0"):
            shards.assign(self.centers_initializer(shape, shards.dtype))
        return shards

    def condensed(self, embeddings, labels, scale, training=True):
        """Cosines to the classes of a batch, and one for all others together.

        Each replica computes the cosines of the global batch to its own shard
        of the class centres. The replicas tell each other two numbers a row:
        the target, and the log mass of the other classes in the softmax.

        Args:
            embeddings: [batch, dim] float tensor, not normalised.
            labels: [batch] or [batch, 1] integer tensor.
            scale: float, that of the loss.
            training: bool. Whether statistics are updated.

        Returns:
            A tuple of [batch, global batch + 1] cosines, whose softmax is
            that over all classes, with the margin; and the [batch] int32
            columns of the rows' own classes in them. They can stand for the
            labels in `MarginLoss` and `UNPGLoss`.

        Reference: An et al., *Partial FC*, CVPR 2022, its model parallelism.
        """
        ops.expect(
            not training or distribute.is_kept(self.centers),
            "`unpg_tf.optimizers.keep_shards(optimizer, variables)` before "
            "training with shards",
            sharded=self.sharded,
        )
        rows = embeddings.shape[0]
        labels = ops.class_ids(labels, self.num_classes, rows)
        embeddings, norms = ops.unit_vectors(embeddings)
        embeddings, all_labels, own = distribute.gather_batch(
            embeddings, labels
        )
        shard, first = distribute.own_shard(self.centers)
        cosines = self.cosines_to(shard, embeddings)
        columns = all_labels - first
        all_targets = distribute.all_sum(ops.targets_within(cosines, columns))
        targets = _rows(all_targets, own)
        if training:
            self.update_state(
                tf.stop_gradient(targets), tf.stop_gradient(norms)
            )
        masses = ops.log_mass_of_others(
            self.class_cosines(cosines, all_targets),
            columns,
            self.num_classes - first,
            scale,
        )
        masses = distribute.all_gather(masses[tf.newaxis])
        others = _rows(tf.reduce_logsumexp(masses, axis=0), own) / scale
        targets = self.target_cosines(targets, norms)
        return ops.condensed_cosines(
            targets, others, labels, all_labels, self.num_classes
        )


def _rows(values, numbers):
    # Along the first axis the gradient would be no tensor, and not for sums.
    return tf.gather(values[tf.newaxis], numbers, axis=1)[0]
