"""Several machines, with Keras' `fit` on both of its generations."""

import tensorflow as tf


class MultiWorkerMirroredStrategy(tf.distribute.MultiWorkerMirroredStrategy):
    """TensorFlow's strategy of that name, on which Keras 3 trains as well.

    Keras 3 asks `reduce` for two things that TensorFlow's own refuses: to
    reduce a structure of values, by which it learns the shape of a batch, and
    to average scalars along an axis, for the numbers that it shows while it
    trains. `fit` therefore fails under TensorFlow's class, with any model.

    Arguments, environment and everything else are TensorFlow's: each process
    reads who it is from the variable `TF_CONFIG`, and has to make the
    strategy before any tensor.

    Example:

    >>> strategy = unpg_tf.distribute.MultiWorkerMirroredStrategy()
    >>> with strategy.scope():
    ...     model = unpg_tf.models.EmbeddingModel(backbone, head)
    ...     model.compile("sgd", unpg_tf.losses.UNPGLoss())
    >>> model.fit(dataset)  # of global batches; each worker takes its part
    """

    def reduce(self, reduce_op, value, axis=None):
        """Reduces the values of all replicas, to a structure like `value`.

        Args:
            reduce_op: As in `tf.distribute.Strategy.reduce`.
            value: A value of the replicas, or a structure of them.
            axis: As there; none for scalars, which have none.

        Returns:
            Tensors, the same on every worker.
        """
        reduce = super().reduce
        return tf.nest.map_structure(
            lambda v: reduce(reduce_op, v, axis if self._rank(v) else None),
            value,
        )

    def _rank(self, value):
        return self.experimental_local_results(value)[0].shape.rank
