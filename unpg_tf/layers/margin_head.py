"""The head that all others are: cosines to class centres, and a margin."""

import tensorflow as tf
from tensorflow import keras

from unpg_tf import compat
from unpg_tf import distribute
from unpg_tf import ops
from unpg_tf.layers import calls
from unpg_tf.layers.sharded_centers import ShardedCenters

# Replicas compute the same new value from gathered rows; one of them is kept.
# The default aggregation would let each keep its own.
SHARED = (
    "only_first_replica"
    if compat.IS_KERAS_3
    else tf.VariableAggregation.ONLY_FIRST_REPLICA
)


@keras.utils.register_keras_serializable("unpg_tf")
class MarginHead(ShardedCenters, keras.layers.Layer):
    """Cosines of embeddings to class centres, with a margin on the targets.

    Without labels, `head(embeddings)` is the plain [batch, num_classes]
    matrix of cosines. With them, `head(embeddings, labels)` replaces each
    row's target cosine t by `target_cosines(t, norms)`. Nothing is scaled
    here: the losses do that.

    A new head is a subclass that overrides `target_cosines`. One that also
    changes the other classes overrides `class_cosines`; one that carries
    statistics from step to step creates them with `add_state` in `build`,
    and updates them in `update_state`.

    The head computes in float32 whatever the global policy is, because a
    half-precision cosine is too coarse for a margin. `dtype="float64"` works
    too. See `product_dtype` for what half precision is good for.

    Args:
        num_classes: int, the number of class centres.
        centers_initializer: Initializer of the class centres. Defaults to a
            normal distribution of standard deviation 0.01; only directions
            matter.
        sample_rate: float in (0, 1]. With less than 1, `EmbeddingModel`
            trains each step on the batch's classes and, drawn from all
            others, this share of `num_classes`, the same on every replica;
            see `sampled`.
        sharded: bool. Whether replicas divide the class centres among
            themselves, under `tf.distribute.MirroredStrategy`; see
            `condensed`. On one device it changes nothing.
        product_dtype: "bfloat16" or "float16", in which the factors of the
            products with the centres are taken, for speed where processors
            have units for it. Their sums, the margin and the softmax stay
            in float32. `None` for the head's own dtype.
        **kwargs: Arguments of `keras.layers.Layer`.

    Call arguments:
        embeddings: [batch, dim] float tensor, not normalised.
        labels: [batch] or [batch, 1] integer tensor, or `None`.
        training: bool. Whether statistics are updated.

    Attributes:
        centers: [num_classes, dim] weight. Rows are class centres, not
            normalised. Of a sharded head a replica sees its own rows alone.
        centers_per_class: int, 1 unless a head has another.

    Raises:
        ValueError: For an argument out of range, or labels of a wrong shape.
        tf.errors.InvalidArgumentError: If a label isn't in
            [0, num_classes). Code compiled by XLA, which drops assertions,
            gives a NaN in that row instead.

    Example:

    >>> class HalfMargin(unpg_tf.layers.MarginHead):
    ...     def target_cosines(self, targets, norms):
    ...         return 0.5 * targets
    """

    centers_per_class = 1

    def __init__(
        self,
        num_classes,
        centers_initializer=None,
        sample_rate=1.0,
        sharded=False,
        product_dtype=None,
        **kwargs,
    ):
        kwargs["dtype"] = kwargs.get("dtype") or "float32"
        super().__init__(**kwargs)
        ops.expect(
            self.compute_dtype in ("float32", "float64"),
            "dtype float32 or float64",
            dtype=self.compute_dtype,
        )
        ops.expect_counts(num_classes=num_classes)
        ops.expect_numbers(sample_rate=sample_rate)
        ops.expect(
            0 < sample_rate <= 1,
            "sample_rate in (0, 1]",
            sample_rate=sample_rate,
        )
        ops.expect(
            sample_rate == 1 or not sharded,
            "sample_rate=1 for a sharded head",
            sample_rate=sample_rate,
        )
        ops.expect_product_dtype(product_dtype, self.compute_dtype)
        self.num_classes = int(num_classes)
        self.sample_rate = float(sample_rate)
        self.sharded = bool(sharded)
        self.product_dtype = product_dtype
        self.centers_initializer = keras.initializers.get(
            centers_initializer or keras.initializers.RandomNormal(stddev=0.01)
        )

    @property
    def norm_penalty(self):
        """The loss of an embedding's length, as a callable, or `None`."""
        return None

    @property
    def num_columns(self):
        """How many columns the cosines have where labels are given."""
        return self.num_classes

    def build(self, input_shape):
        """Creates the class centres for embeddings of `input_shape`."""
        dim = input_shape[-1]
        ops.expect(
            len(input_shape) == 2 and dim is not None,
            "embeddings of shape [batch, dim], dim known",
            shape=tuple(input_shape),
        )
        self.centers = self.add_centers(self.centers_per_class * dim)
        if self.sample_rate < 1:
            self.samples = self.add_state("samples", 0, dtype="int64")
        super().build(input_shape)

    def call(self, embeddings, labels=None, training=None):
        """Computes cosines, with the margin where labels are given."""
        ops.expect(
            not distribute.is_in_part(self.centers),
            "a call of `condensed` by a replica that holds a shard",
            sharded=self.sharded,
        )
        if labels is not None:
            rows = embeddings.shape[0]
            labels = ops.class_ids(labels, self.num_classes, rows)
        self._note_call(embeddings, labels, training)
        centers = tf.convert_to_tensor(self.centers)
        return self._cosines(embeddings, centers, labels, training)

    def _note_call(self, embeddings, labels, training):
        is_plain = (
            type(self).target_cosines is MarginHead.target_cosines
            and type(self).class_cosines is MarginHead.class_cosines
        )
        lacks_margin = labels is None and bool(training) and not is_plain
        columns = self.num_classes if labels is None else self.num_columns
        dim = embeddings.shape[-1]
        calls.note(calls.HeadCall(self.name, columns, dim, lacks_margin))

    def sampled(self, embeddings, labels, training=True, scale=None):
        """Cosines to a sample of the class centres, with the margin.

        The sample holds every class of the global batch, for which replicas
        tell each other their labels. It is drawn anew each step, and the same
        on every replica. Gradients reach its rows of `centers` alone, as
        `tf.IndexedSlices`: the optimizers of `unpg_tf.optimizers` touch no
        other row.

        Args:
            embeddings: [batch, dim] float tensor, not normalised.
            labels: [batch] or [batch, 1] integer tensor.
            training: bool. Whether statistics are updated.
            scale: float, that of the loss. In a softmax of this scale the
                classes that were drawn weigh as much as all that they were
                drawn from, for the embeddings; their centres move by the
                square root of that. `None` leaves the cosines as they are.

        Returns:
            A tuple of the [batch, sample] cosines, and the [batch] int32
            columns of the rows' own classes in them. They can stand for the
            labels in `MarginLoss` and `UNPGLoss`.

        Reference: An et al., *Killing Two Birds with One Stone: Efficient
        and Robust Training of Face Recognition CNNs by Partial FC*, CVPR
        2022.
        """
        rows = embeddings.shape[0]
        labels = ops.class_ids(labels, self.num_classes, rows)
        positives = distribute.gather_labels(labels)
        classes = ops.sampled_classes(
            positives,
            self.num_classes,
            self.sample_rate,
            tf.stack([0, tf.convert_to_tensor(self.samples)]),
        )
        if training:
            self.samples.assign(self.samples + 1)
        columns = ops.columns_of(classes, labels)
        centers = tf.gather(compat.tf_variable(self.centers), classes)
        shift = 0.0
        if scale is not None:
            weights = ops.log_weights(classes, positives, self.num_classes)
            centers = ops.with_steady_gradients(centers, weights)
            shift = tf.cast(weights / scale, centers.dtype)
        cosines = self._cosines(embeddings, centers, columns, training)
        return cosines + shift, columns

    def _cosines(self, embeddings, centers, labels, training):
        embeddings, norms = ops.unit_vectors(embeddings)
        cosines = self.cosines_to(centers, embeddings)
        if labels is None:
            return cosines
        targets = ops.targets_of(cosines, labels)
        if training:
            self.update_state(
                tf.stop_gradient(targets), tf.stop_gradient(norms)
            )
        return ops.replace_targets(
            self.class_cosines(cosines, targets),
            labels,
            self.target_cosines(targets, norms),
        )

    def cosines_to(self, centers, units):
        """Plain cosines of unit vectors to classes.

        Args:
            centers: [classes, any] float tensor: rows of `self.centers`.
            units: [batch, dim] float tensor of unit vectors.

        Returns:
            [batch, classes] float tensor.
        """
        return ops.cosines_to(centers, units, self.product_dtype)

    def target_cosines(self, targets, norms):
        """The margin itself.

        Args:
            targets: [batch] float tensor, the cosine of each row to its own
                class centre.
            norms: [batch] float tensor, the length of each embedding.

        Returns:
            [batch] float tensor of the cosines that take their places.
        """
        return targets

    def class_cosines(self, cosines, targets):
        """The cosines to all other classes.

        Args:
            cosines: [batch, num_classes] float tensor.
            targets: [batch] float tensor, each row's target before the
                margin.

        Returns:
            A tensor like `cosines`; its targets will be replaced.
        """
        return cosines

    def update_state(self, targets, norms):
        """Takes the statistics of a training batch in, before their use.

        Args:
            targets: [local batch] float tensor without gradient.
            norms: [local batch] float tensor without gradient.
        """
        del targets, norms

    def add_state(self, name, value, dtype=None, shape=()):
        """Creates a statistic, the same on every replica.

        Args:
            name: string.
            value: number, where it starts.
            dtype: Defaults to the layer's.
            shape: Tuple of ints; a scalar by default.

        Returns:
            A weight that isn't trained, but saved with the others. Assign
            to it what every replica has computed from gathered rows.
        """
        return self.add_weight(
            name=name,
            shape=shape,
            initializer=keras.initializers.Constant(value),
            dtype=dtype,
            trainable=False,
            aggregation=SHARED,
        )

    def compute_output_shape(self, input_shape, *args, **kwargs):
        """[batch, num_classes] for embeddings of [batch, dim]."""
        return (input_shape[0], self.num_classes)

    def get_config(self):
        """The arguments of the constructor, serialisable."""
        return {
            **super().get_config(),
            "num_classes": self.num_classes,
            "centers_initializer": keras.initializers.serialize(
                self.centers_initializer
            ),
            "sample_rate": self.sample_rate,
            "sharded": self.sharded,
            "product_dtype": self.product_dtype,
        }
