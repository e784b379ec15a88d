"""Updates of the rows that a gradient names, and of no other."""

import abc

import tensorflow as tf

from unpg_tf import compat
from unpg_tf import distribute


class LazyUpdates(abc.ABC):
    """Mixed into a Keras optimizer, makes it lazy with sparse gradients.

    Keras applies decay and momentum to the whole variable, also where the
    gradient has a few rows, as that of a sampled head. Here the rows of a
    `tf.IndexedSlices` are gathered with their state, updated, and put back;
    other rows and their state wait until they are drawn. Then the decay of
    all the steps that they missed comes at once: rows are as long as if they
    had decayed each step, for a number a row. With other gradients the
    optimizer is Keras's own.

    A subclass states `update_rows` and `row_state`.

    Attributes:
        decoupled: bool. Whether weights decay by themselves, or as the
            gradient of an L2 penalty would have it, through the momentum.
    """

    decoupled = True
    _scaled, _factor = frozenset(), 1.0

    def scale_learning_rate(self, factor, variables):
        """Has some variables learn faster or slower than the others.

        Like `exclude_from_weight_decay`, it isn't part of the config.

        Args:
            factor: float, of the learning rate of these variables.
            variables: list of the variables.

        Example:

        >>> optimizer.scale_learning_rate(10.0, model.head.trainable_weights)
        """
        self._scaled = frozenset(map(self._var_key, variables))
        self._factor = float(factor)

    def build(self, variables):
        """Creates the state, once: see `keras.optimizers.Optimizer.build`."""
        is_new = not compat.is_built(self)
        super().build(variables)
        if is_new:
            self._decayed_at = [self._steps_table(v) for v in variables]

    def update_step(self, gradient, variable, *learning_rate):
        """Applies one gradient, after the weight decay of what it touches."""
        rate = learning_rate[0] if learning_rate else self.learning_rate
        rate = tf.cast(tf.convert_to_tensor(rate), variable.dtype)
        is_scaled = self._var_key(variable) in self._scaled
        if is_scaled:
            rate *= self._factor
        if isinstance(gradient, tf.IndexedSlices):
            self._update_rows_of(variable, gradient, rate)
            return
        steps = self._steps_due(variable)
        values, gradient = self._decayed(
            variable, gradient, rate, variable, steps
        )
        if values is not variable:
            variable.assign(values)
        if not is_scaled:
            super().update_step(gradient, variable, *learning_rate)
            return
        tables = self._tables(variable)
        state = [tf.convert_to_tensor(table) for table in tables]
        step, state = self.update_rows(gradient, rate, state)
        for table, new in zip(tables, state, strict=True):
            table.assign(new)
        variable.assign_sub(step)

    @abc.abstractmethod
    def update_rows(self, gradient, rate, state):
        """Computes the step of some rows.

        Args:
            gradient: [rows, ...] tensor.
            rate: Scalar tensor, the learning rate.
            state: List of [rows, ...] tensors, those rows of the tables that
                `row_state` gives.

        Returns:
            A tuple of the [rows, ...] tensor to subtract, and the list of
            the new state.
        """

    @abc.abstractmethod
    def row_state(self, variable):
        """The list of tables that hold the state of `variable`."""

    def _update_rows_of(self, variable, gradient, rate):
        rows, slopes = _with_repetitions_summed(gradient)
        tables = self._tables(variable)
        state = [tf.gather(table, rows) for table in tables]
        values = tf.gather(variable, rows)
        steps = self._steps_due(variable, rows)
        values, slopes = self._decayed(values, slopes, rate, variable, steps)
        step, state = self.update_rows(slopes, rate, state)
        for table, new in zip(
            [variable, *tables], [values - step, *state], strict=True
        ):
            table.scatter_update(tf.IndexedSlices(new, rows))

    def _decayed(self, values, gradient, rate, variable, steps):
        """Values and gradient after the weight decay of some steps."""
        if not self._decays(variable):
            return values, gradient
        decay = tf.cast(self.weight_decay, rate.dtype)
        steps = tf.cast(steps, rate.dtype)
        if self.decoupled:
            return values * (1 - rate * decay) ** steps, gradient
        # Of missed steps no more than the whole row.
        whole = tf.maximum(1 / (rate * decay), 1.0)
        decay *= tf.minimum(steps, whole)
        return values, gradient + decay * values

    def _decays(self, variable):
        return bool(self.weight_decay) and self._use_weight_decay(variable)

    def _steps_due(self, variable, rows=None):
        """How many steps of decay each of some rows, or of all, is due."""
        table = self._decayed_at[self._index_of(variable)]
        if table is None:
            return 1
        table = compat.tf_variable(table)
        rows = tf.range(table.shape[0]) if rows is None else rows
        now = tf.fill(tf.shape(rows), tf.cast(self.iterations + 1, table.dtype))
        steps = now - tf.gather(table, rows)
        table.scatter_update(tf.IndexedSlices(now, rows))
        return steps[:, tf.newaxis]

    def _steps_table(self, variable):
        """The step in which each row of a matrix decayed last.

        A float32 counts 16 million steps. Shards have all their gradients.
        """
        is_matrix = len(variable.shape) == 2
        if distribute.is_sharded(variable) or not is_matrix:
            return None
        if not self._decays(variable):
            return None
        name, shape = "decayed_at", variable.shape[:1]
        if not compat.IS_KERAS_3:
            return self.add_variable_from_reference(variable, name, shape)
        return self.add_variable(
            shape, dtype="float32", name=f"{variable.name}_{name}"
        )

    def _tables(self, variable):
        return [compat.tf_variable(table) for table in self.row_state(variable)]

    def _apply_weight_decay(self, variables):
        # Keras calls it before the update; `update_step` knows the rows.
        del variables

    def _deduplicate_sparse_grad(self, gradients):
        # Keras 2 does it in a way that XLA can't compile.
        return gradients

    def _index_of(self, variable):
        if compat.IS_KERAS_3:
            return self._get_variable_index(variable)
        return self._index_dict[self._var_key(variable)]


def _with_repetitions_summed(gradient):
    """Rows and their slopes; one that is named twice has the sum twice.

    Static in shape, unlike a list without repetitions. Whoever then writes
    a row twice writes the same twice.
    """
    rows, slopes = gradient.indices, gradient.values
    places = tf.range(tf.size(rows))
    first = tf.math.unsorted_segment_min(places, rows, gradient.dense_shape[0])
    first = tf.gather(first, rows)
    sums = tf.math.unsorted_segment_sum(slopes, first, tf.size(rows))
    return rows, tf.gather(sums, first)
