"""Face recognition as a task of the Model Garden's trainer."""

import functools

import numpy as np
import tensorflow as tf
from official.core import base_task
from official.core import task_factory
from tensorflow import keras

from unpg_tf import backbones
from unpg_tf import data
from unpg_tf import evaluation
from unpg_tf import layers
from unpg_tf import losses
from unpg_tf import models
from unpg_tf.model_garden import configs


@task_factory.register_task_cls(configs.FaceRecognition)
class FaceRecognitionTask(base_task.Task):
    """Trains an `EmbeddingModel`, and verifies pairs.

    Any number of replicas trains as one device does: they share each global
    batch, and the loss sees the pairs of all of it.

    Example:

    >>> config = exp_factory.get_exp_config("unpg_face_recognition")
    >>> task = FaceRecognitionTask(config.task)
    >>> train_lib.run_experiment(strategy, task, "train", config, "runs/tfm")
    """

    def build_model(self):
        """The backbone under its head, compiled for its loss."""
        config = self.task_config.model
        _, labels = self._training_set
        backbone = backbones.build(
            config.backbone,
            config.image_size,
            config.embedding_dim,
            dropout=config.dropout,
        )
        head = _part(
            layers, self.task_config.head, num_classes=int(labels.max()) + 1
        )
        model = models.EmbeddingModel(backbone, head)
        loss = _part(
            losses, self.task_config.loss, embedding_dim=config.embedding_dim
        )
        model.compile(loss=loss)
        return model

    @functools.cached_property
    def _training_set(self):
        config = self.task_config.train_data
        size = self.task_config.model.image_size
        if config.input_path == "synthetic":
            return data.labelled_images(
                config.identities, config.images_per_identity, size
            )
        people = data.read_people(config.people) if config.people else None
        images, labels, _ = data.read_folder(
            config.input_path, people, config.min_images
        )
        return images, labels

    @functools.cached_property
    def _pairs(self):
        config = self.task_config.validation_data
        if config.input_path == "synthetic":
            return evaluation.synthetic_pairs(
                config.identities, self.task_config.model.image_size
            )
        return evaluation.read_pairs(config.pairs, config.input_path)

    def build_inputs(self, params, input_context=None):
        """Each replica's batches: its part of every global batch."""
        if not params.is_training:
            return self._images_of_pairs(params, input_context)
        batches = data.training_batches(
            *self._training_set,
            params.global_batch_size,
            image_size=self.task_config.model.image_size,
            augment=data.Augmentation() if params.augment else None,
            seed=params.seed,
        )
        if input_context is None:
            return batches
        workers = input_context.num_input_pipelines
        of_worker = batches.rebatch(params.global_batch_size // workers)
        of_worker = of_worker.shard(workers, input_context.input_pipeline_id)
        return of_worker.rebatch(_replica_rows(params, input_context))

    def _images_of_pairs(self, params, input_context):
        """All images of the pairs with their numbers, on every worker."""
        size = self.task_config.model.image_size
        images = self._pairs.images
        if images.ndim == 1:
            images = data.load_images(list(images), size)
        dataset = tf.data.Dataset.from_tensor_slices(
            (images, np.arange(len(images)))
        )
        # Some twice: inference fails on a replica without a row.
        rounds = -(-len(images) // params.global_batch_size)
        dataset = dataset.repeat().take(rounds * params.global_batch_size)
        return dataset.batch(_replica_rows(params, input_context))

    def train_step(self, inputs, model, optimizer, metrics=None):
        """One step on a replica's rows; see `base_task.Task`."""
        images, labels = inputs
        replicas = tf.distribute.get_strategy().num_replicas_in_sync
        scaled = isinstance(optimizer, keras.mixed_precision.LossScaleOptimizer)
        with tf.GradientTape() as tape:
            embeddings = model(images, training=True)
            # Divided by the number of replicas, as Keras does in `fit`.
            loss = model.compute_loss(images, labels, embeddings)
            target = optimizer.get_scaled_loss(loss) if scaled else loss
        variables = model.trainable_variables
        slopes = tape.gradient(target, variables)
        if scaled:
            slopes = optimizer.get_unscaled_gradients(slopes)
        optimizer.apply_gradients(zip(slopes, variables, strict=True))
        return {self.loss: loss * replicas}

    def validation_step(self, inputs, model, metrics=None):
        """Embeds a replica's rows."""
        images, rows = inputs
        return {"rows": rows, "embeddings": model(images, training=False)}

    def aggregate_logs(self, state=None, step_outputs=None):
        """Collects the embeddings of all steps and replicas."""
        state = state or {"rows": [], "embeddings": []}
        for key, values in step_outputs.items():
            state[key] += [np.array(value) for value in values]
        return state

    def reduce_aggregated_logs(self, aggregated_logs, global_step=None):
        """Verifies the pairs by the embeddings."""
        rows = np.concatenate(aggregated_logs["rows"])
        # Images at the end come twice, and every worker embeds all of them.
        _, first = np.unique(rows, return_index=True)
        embeddings = np.concatenate(aggregated_logs["embeddings"])[first]
        pairs = self._pairs
        report = evaluation.evaluate_embeddings(
            embeddings, pairs.left, pairs.right, pairs.same, pairs.fold
        )
        return {
            "pair_accuracy": report["accuracy"],
            "auc": report["auc"],
            "eer": report["eer"],
        }


def _part(module, config, **arguments):
    options = config.options.as_dict() if config.options else {}
    try:
        return getattr(module, config.name)(**arguments, **options)
    except (AttributeError, TypeError) as error:
        raise ValueError(
            f"Expected a class of {module.__name__} and its arguments. "
            f"Received: {config.name} with {options}: {error}"
        ) from error


def _replica_rows(params, input_context):
    if input_context is None:
        return params.global_batch_size
    return input_context.get_per_replica_batch_size(params.global_batch_size)
