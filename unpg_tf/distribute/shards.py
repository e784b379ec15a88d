"""A table whose rows are divided among the replicas of one machine.

TensorFlow has no such variable for `MirroredStrategy`. Tried were:

- `ON_READ` variables, of which each replica has its own: what is read or saved
  is their sum, and the layers of Keras 3 don't make them;
- a plain variable on each device: Keras's optimizers refuse variables that
  aren't the strategy's;
- `tf.distribute`'s `ShardedVariable`: its parts are mirrored in full;
- DTensor: each replica computed on all devices of the mesh, and its gradient
  came as a whole.

A mirrored variable has all but the sharding: a component on every device, which
layers and optimizers read and update there. So a shard is such a component,
and the few methods that make all components equal are replaced. That optimizers
sum gradients is another matter: see `unpg_tf.optimizers.keep_shards`.
"""

import functools

import tensorflow as tf

from unpg_tf import compat
from unpg_tf import ops

_SAVED = "VARIABLE_VALUE"


class _Shards:
    """Mixed into a mirrored variable, whose components become shards.

    Inside of a replica it is that replica's shard. Everywhere else it is the
    whole table, also in files, which therefore suit any number of replicas.
    """

    is_kept = False

    @property
    def shape(self):
        return tf.TensorShape([self.num_rows, *self.values[0].shape[1:]])

    def _get(self):
        # Outside of the strategy's scope TensorFlow would give the first.
        if not tf.distribute.has_strategy():
            return self._get_cross_replica()
        return super()._get()

    def value(self):
        return self.read_value()

    def _get_cross_replica(self):
        # The whole may be too large for the device of a replica.
        with tf.device("CPU:0"):
            shards = [shard.read_value() for shard in self.values]
            return tf.concat(shards, axis=0)[: self.num_rows]

    def _update_cross_replica(self, update_fn, value, **kwargs):
        for number, shard in enumerate(self.values):
            update_fn(shard, _part(value, number, shard.shape), **kwargs)
        return self

    def _serialize_to_tensors(self):
        return {_SAVED: self.read_value()}

    def _restore_from_tensors(self, restored_tensors):
        return self.assign(restored_tensors[_SAVED])


@functools.cache
def _shards_class(mirrored):
    return type("Shards", (_Shards, mirrored), {})


def _part(value, number, shape):
    """A shard of a table, filled up with rows of zeros."""
    with tf.device("CPU:0"):
        part = value[number * shape[0] : (number + 1) * shape[0]]
        lacking = shape[0] - part.shape[0]
        return tf.pad(part, [[0, lacking]] + [[0, 0]] * (shape.rank - 1))


def rows_of_a_shard(num_rows):
    """How many rows of a table each replica of the present strategy holds.

    Args:
        num_rows: int, the rows of the table.

    Returns:
        int, `num_rows` over the number of replicas, rounded up.

    Raises:
        ValueError: If the replicas aren't those of one `MirroredStrategy`.
    """
    strategy = tf.distribute.get_strategy()
    replicas = strategy.num_replicas_in_sync
    ops.expect(
        replicas == 1 or isinstance(strategy, tf.distribute.MirroredStrategy),
        "tf.distribute.MirroredStrategy for shards",
        strategy=type(strategy).__name__,
    )
    return -(-num_rows // replicas)


def as_shards(weight, num_rows):
    """Makes a Keras weight of `rows_of_a_shard` rows the table of all shards.

    What is assigned to it from outside of the replicas is a whole table.

    Args:
        weight: A Keras weight or `tf.Variable` of
            [rows_of_a_shard(num_rows), ...].
        num_rows: int, the rows of the table.

    Returns:
        The weight. On a single replica it is left as it is.
    """
    variable = compat.tf_variable(weight)
    if not isinstance(variable, tf.distribute.DistributedValues):
        return weight
    variable.num_rows = num_rows
    variable.__class__ = _shards_class(type(variable))
    if weight is not variable:
        # Keras 3 keeps the shape beside its variable.
        weight._shape = tuple(variable.shape)
    return weight


def is_sharded(weight):
    """Whether a Keras weight or `tf.Variable` has been made one of shards."""
    return isinstance(compat.tf_variable(weight), _Shards)


def keep(weight):
    """Notes that what updates the shards knows of them."""
    compat.tf_variable(weight).is_kept = True


def is_kept(weight):
    """Whether a weight isn't sharded, or `keep` has been said of it."""
    return not is_sharded(weight) or compat.tf_variable(weight).is_kept


def is_in_part(weight):
    """Whether the weight is a shard here, since a replica asks."""
    is_outside = (
        not tf.distribute.has_strategy()
        or tf.distribute.in_cross_replica_context()
    )
    return is_sharded(weight) and not is_outside


def own_shard(weight):
    """The rows that are here to compute with.

    Args:
        weight: A Keras weight or `tf.Variable`, sharded or not.

    Returns:
        A tuple of the [rows, ...] tensor, and the number of its first row in
        the table. In a replica it is the shard, elsewhere the table, and 0.
    """
    rows = tf.convert_to_tensor(compat.tf_variable(weight))
    if not is_in_part(weight):
        return rows, 0
    replica = tf.distribute.get_replica_context()
    return rows, replica.replica_id_in_sync_group * rows.shape[0]
