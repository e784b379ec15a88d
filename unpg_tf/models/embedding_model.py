"""A backbone that learns under a margin head, and predicts without it."""

import tensorflow as tf
from tensorflow import keras

from unpg_tf import compat
from unpg_tf import losses
from unpg_tf import ops
from unpg_tf import optimizers
from unpg_tf.layers import MarginHead
from unpg_tf.losses.trained_head import trained_head
from unpg_tf.models.checked_labels import CheckedLabels
from unpg_tf.models.checks import expect_match
from unpg_tf.models.checks import expect_own
from unpg_tf.models.checks import only
from unpg_tf.models.checks import scale_of
from unpg_tf.models.layer_losses import LayerLosses
from unpg_tf.models.layer_losses import kept_losses

_OUTPUT = "output of the backbone"
_KERAS = "Keras 3" if compat.IS_KERAS_3 else "Keras 2"
_PARTS = {
    "backbone": (
        keras.layers.Layer,
        f"backbone, a Keras model (of tensorflow.keras, here {_KERAS})",
    ),
    "head": (MarginHead, "head, a MarginHead"),
}


@keras.utils.register_keras_serializable("unpg_tf")
class EmbeddingModel(CheckedLabels, LayerLosses, keras.Model):
    """Trains a backbone under a margin head; answers with embeddings.

    `fit` takes images and labels, and hands the labels to the head by itself.
    Calling the model, or `predict`, gives the backbone's embeddings and asks
    for no label. Metrics compiled into the model see the cosines to the class
    centres, without margin: `metrics=["accuracy"]` is the accuracy of
    classification.

    Args:
        backbone: A Keras model, images to [batch, dim] embeddings: of one
            input or several, which `fit` then takes in the same list or
            dictionary; its one output may be within a list or a dictionary.
        head: A `unpg_tf.layers.MarginHead`.
        **kwargs: Arguments of `keras.Model`.

    Attributes:
        backbone: As given.
        head: As given.

    Raises:
        ValueError: If the backbone doesn't give [batch, dim], or a loss is
            compiled for another `embedding_dim`.

    Example:

    >>> head = unpg_tf.layers.CosFace(num_classes=1000)
    >>> model = unpg_tf.models.EmbeddingModel(backbone, head)
    >>> loss = unpg_tf.losses.UNPGLoss(embedding_dim=512)
    >>> model.compile("sgd", loss, metrics=["accuracy"])
    >>> model.fit(dataset)  # of images and labels
    >>> embeddings = model.predict(images)
    """

    _made_for = None

    def __init__(self, backbone, head, **kwargs):
        super().__init__(**kwargs)
        self.backbone = backbone
        self.head = head
        self._build_as_backbone()

    def __setattr__(self, name, value):
        """As in Keras; also takes another head or backbone than the first."""
        if name not in _PARTS:
            super().__setattr__(name, value)
            return
        kind, expected = _PARTS[name]
        ops.expect(isinstance(value, kind), expected, **{name: value})
        former = self.__dict__.get(name, value)
        if former is not value:
            compat.replace_layer(self, name, value)
        super().__setattr__(name, value)
        if former is not value:
            self._begin_anew()

    def _begin_anew(self):
        """Forgets what was made for another head or backbone."""
        self.train_function = self.test_function = None
        self.predict_function = None
        self.built = False
        self._build_as_backbone()

    def _build_as_backbone(self):
        if self.backbone.built:
            self.build(compat.input_shape(self.backbone))

    def build(self, input_shape):
        """Builds the head for the backbone's embeddings.

        Keras calls it where the model is loaded, before it restores weights:
        a head that is only used in training would otherwise come back new.
        """
        shape = tuple(self._embeddings_shape(input_shape))
        ops.expect(
            len(shape) == 2 and shape[1] is not None,
            "a backbone with embeddings of shape [batch, dim]",
            output_shape=shape,
        )
        if not self.head.built:
            self.head.build(shape)
        super().build(input_shape)

    def _embeddings_shape(self, images_shape):
        if not compat.IS_KERAS_3:
            shapes = self.backbone.compute_output_shape(images_shape)
            if isinstance(shapes, list | dict):
                return only(_OUTPUT, shapes)
            return shapes
        # Keras 3 infers the shape of a subclassed backbone in this way alone.
        images = keras.tree.map_shape_structure(keras.KerasTensor, images_shape)
        return only(_OUTPUT, self.backbone.compute_output_spec(images)).shape

    def call(self, images, training=None):
        """Computes the backbone's embeddings, [batch, dim]."""
        return only(_OUTPUT, self.backbone(images, training=training))

    def compile(self, optimizer="rmsprop", loss=None, **kwargs):
        """Like `keras.Model.compile`, with the head's penalty in the loss.

        Args:
            optimizer: As in Keras.
            loss: A loss on [batch, num_classes + dim]: `UNPGLoss`,
                `MarginLoss`, or one of your own. The former two add the
                `norm_penalty` of the head, also where yours calls them.
            **kwargs: As in Keras.

        Raises:
            ValueError: For several losses, or one of Keras, which would count
                the embeddings' columns as classes.
        """
        loss = only("loss", loss)
        expect_own(loss)
        expect_match(self.head, loss)
        weight = only("loss_weights", kwargs.pop("loss_weights", None))
        kwargs["loss_weights"] = weight
        super().compile(optimizer=optimizer, loss=loss, **kwargs)
        if self.head.sharded:
            self._prepare_for_shards(kwargs)

    def _prepare_for_shards(self, options):
        ops.expect(
            self.head.built,
            "a built backbone for a sharded head",
            built=self.head.built,
        )
        if not self.head.is_divided:
            return
        ops.expect(
            isinstance(self.loss, losses.MarginLoss),
            "a MarginLoss, such as UNPGLoss, for a sharded head",
            loss=self.loss,
        )
        for name in ("metrics", "weighted_metrics"):
            ops.expect(
                not options.get(name),
                f"no {name} with a sharded head: no replica has all cosines",
                **{name: options.get(name)},
            )
        optimizers.keep_shards(self.optimizer, self.trainable_variables)

    def compile_from_config(self, config):
        """Compiles a loaded model.

        Keras leaves that, with a warning, to those who override `compile`.
        """
        self.compile(**keras.utils.deserialize_keras_object(config))
        if self.built:
            self.optimizer.build(self.trainable_variables)

    def compute_loss(
        self,
        x=None,
        y=None,
        y_pred=None,
        sample_weight=None,
        training=True,
    ):
        """Applies the head to the embeddings `y_pred`, then the loss."""
        # Before the head, where another replica may go on.
        with kept_losses(self.losses):
            return self._loss_of(x, y, y_pred, sample_weight, training)

    def _loss_of(self, x, y, y_pred, sample_weight, training):
        ops.expect(y is not None, "labels beside the images", y=y)
        y = only("labels", y)
        # The head may be another since `compile`.
        expect_match(self.head, self.loss)
        # The head's, float32 or wider also where the backbone's is half.
        embeddings = tf.cast(y_pred, self.head.compute_dtype)
        dim = embeddings.shape[-1]
        expected = getattr(self.loss, "embedding_dim", dim)
        ops.expect(
            expected == dim,
            f"a loss with embedding_dim={dim}, as the backbone has",
            embedding_dim=expected,
        )
        if not self.head.is_divided:
            # For the metrics: Keras computes them after the update, which has
            # drawn the class centres towards these very embeddings.
            y_pred.class_cosines = self.head(embeddings)
        cosines, y = self._cosines(embeddings, y, training)
        y_pred = tf.concat([cosines, embeddings], axis=1)
        with trained_head(self.head.norm_penalty, dim):
            return super().compute_loss(x, y, y_pred, sample_weight)

    def _cosines(self, embeddings, labels, training):
        """What the loss takes: cosines, and the columns of the labels."""
        if self.head.is_divided:
            return self.head.condensed(
                embeddings, labels, self.loss.scale, training
            )
        if training and self.head.sample_rate < 1:
            scale = scale_of(self.loss)
            return self.head.sampled(embeddings, labels, scale=scale)
        return self.head(embeddings, labels, training=training), labels

    def make_train_function(self, force=False):
        """As in Keras; the variables of a step are there before it.

        A step that makes variables is traced twice, which takes a large
        network a while. The function is made anew where it trains other
        variables than before: Keras 3 lets a change of `trainable` without
        `compile` reach a step that is traced again, as for a smaller batch.
        """
        # Keras 2 refuses to name those that the first batch will make.
        trained = self.trainable_variables if self.built else []
        made_for = [id(part) for part in (self.optimizer, *trained)]
        force = force or made_for != self._made_for
        self._made_for = made_for
        if self.built:
            with self.distribute_strategy.scope():
                compat.build_optimizer(self.optimizer, trained)
                self._build_metrics()
        return super().make_train_function(force)

    def make_test_function(self, force=False):
        """As in Keras; the variables of a step are there before it."""
        if self.built:
            with self.distribute_strategy.scope():
                self._build_metrics()
        return super().make_test_function(force)

    def _build_metrics(self):
        """Makes what names of metrics stand for, by the shapes they'll see."""
        labels = tf.zeros([1], tf.int32)
        cosines = tf.zeros([1, self.head.num_classes])
        compat.build_metrics(self, labels, cosines)

    def _maybe_symbolic_build(self, iterator=None, data_batch=None):
        # Keras 3 averages the first batch of all replicas to learn its shape,
        # which ends in an error where they have different numbers of rows.
        strategy = self.distribute_strategy
        if iterator is not None and strategy.num_replicas_in_sync > 1:
            local = strategy.experimental_local_results
            _, _, batches = next(iter(iterator))
            data_batch = tf.nest.map_structure(
                lambda value: local(value)[0], next(batches)
            )
            iterator = None
        super()._maybe_symbolic_build(iterator, data_batch)

    def test_step(self, data):
        """Evaluates one batch, without an update of the head's statistics."""
        if compat.IS_KERAS_3:
            return super().test_step(data)
        # Keras 2 doesn't tell `compute_loss` whether it trains.
        x, y, sample_weight = keras.utils.unpack_x_y_sample_weight(data)
        y_pred = self(x, training=False)
        self.compute_loss(x, y, y_pred, sample_weight, training=False)
        return self.compute_metrics(x, y, y_pred, sample_weight)

    def compute_metrics(self, x, y, y_pred, sample_weight=None):
        """Updates metrics with the cosines to the class centres."""
        cosines = getattr(y_pred, "class_cosines", None)
        if cosines is None and not self.head.is_divided:
            cosines = self.head(y_pred)
        y = only("labels", y)
        return super().compute_metrics(x, y, cosines, sample_weight)

    def get_config(self):
        """The arguments of the constructor, serialisable."""
        serialize = keras.utils.serialize_keras_object
        return {
            **super().get_config(),
            "name": self.name,
            "backbone": serialize(self.backbone),
            "head": serialize(self.head),
        }

    @classmethod
    def from_config(cls, config, custom_objects=None):
        """The model of a config that `get_config` has made."""
        ops.expect(
            {"backbone", "head"} <= config.keys(),
            "a config with backbone and head",
            config=config,
        )
        parts = {
            name: compat.layer_from_config(config[name], custom_objects)
            for name in _PARTS
        }
        return cls(**{**config, **parts})
