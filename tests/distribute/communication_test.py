"""How often the replicas of a training step speak, and how much they say."""

import pytest
import tensorflow as tf
from collectives import collectives
from tensorflow import keras

from tests.distribute import training
from unpg_tf import models

REPLICAS, LOCAL = 2, training.BATCH // 2
# A gather is preceded by one of the [1, rank] shapes.
ROWS = [("Gather", (1, 1)), ("Gather", (LOCAL,))]
# Embeddings, and beside them the labels and the replica, at once.
BATCH = [("Gather", (1, 2)), ("Gather", (LOCAL, training.DIM + 3))]
# How much the pairs weigh in a replica's loss.
WEIGHT = [("Reduce", (1,))]


@pytest.mark.parametrize(
    ("head", "loss", "expected"),
    [
        # The number of rows, by which a mean becomes the global one.
        ("cosface", "margin", [("Reduce", (1,))]),
        ("cosface", "unpg", [*BATCH, *WEIGHT]),
        ("adaface", "unpg", [*ROWS, *BATCH, *WEIGHT]),
        ("curricularface", "unpg", [("Reduce", (2,)), *BATCH, *WEIGHT]),
        ("elastic_cosface", "unpg", [("Reduce", (2,)), *BATCH, *WEIGHT]),
    ],
)
def test_a_step_gathers_embeddings_and_labels_once(
    strategy_of, head, loss, expected
):
    found = collectives(step(strategy_of(REPLICAS), head, loss))
    *found, gradients = [(each.kind, each.shape) for each in found]
    assert found == expected
    size = training.DIM * (training.FEATURES + 1 + training.CLASSES)
    assert gradients == ("Reduce", (size,))


def test_a_sampled_head_says_the_labels_before_it_draws(strategy_of):
    def slopes(model):
        """Those of the embeddings: the update of a few rows hides its own."""

        def of_batch(batch):
            images, labels = batch
            with tf.GradientTape() as tape:
                embeddings = model(images, training=True)
                value = model.compute_loss(images, labels, embeddings)
            return tape.gradient(value, embeddings)

        return of_batch

    found = collectives(
        step(strategy_of(REPLICAS), "cosface", "unpg", slopes, sample_rate=0.5)
    )
    labels = [("Gather", (1, 2)), ("Gather", (LOCAL, 2))]
    found = [(each.kind, each.shape) for each in found]
    assert found == [*labels, *BATCH, *WEIGHT]


def test_shards_say_two_numbers_a_row_and_nothing_of_gradients(strategy_of):
    found = collectives(
        step(strategy_of(REPLICAS), "cosface", "margin", sharded=True)
    )
    *found, gradients = [(each.kind, each.shape) for each in found]
    # Not static, as the batch that has been gathered isn't.
    a_number_a_row = ("Reduce", (None,))
    masses = [("Gather", (1, 2)), ("Gather", (1, None))]
    mean = ("Reduce", (1,))
    # There, and back: masses, targets and embeddings.
    assert found == [
        *BATCH,
        a_number_a_row,
        *masses,
        mean,
        *[a_number_a_row] * 3,
    ]
    assert gradients == ("Reduce", (training.DIM * (training.FEATURES + 1),))


def step(strategy, head, loss, of=lambda model: model.train_step, **arguments):
    """A traced step of training, or another function of a model's batches."""
    with strategy.scope():
        model = models.EmbeddingModel(*training.make_parts(head, **arguments))
        model.compile(keras.optimizers.SGD(0.3), training.LOSSES[loss])
        model.optimizer.build(model.trainable_variables)
    batches = strategy.experimental_distribute_dataset(
        training.dataset().unbatch().batch(training.BATCH, drop_remainder=True)
    )
    function = of(model)
    run = tf.function(lambda x: strategy.run(function, (x,)))
    return run.get_concrete_function(next(iter(batches)))
