"""Replicas that divide the class centres train as one device with all does."""

import numpy as np
import pytest
import tensorflow as tf
from tensorflow import keras

from tests.distribute import training
from unpg_tf import compat
from unpg_tf import losses
from unpg_tf import models
from unpg_tf import optimizers

# No number of replicas here divides it.
CLASSES = 7


@pytest.mark.parametrize(
    ("name", "loss", "optimizer", "replicas"),
    [
        ("magface", "margin", "adamw", 2),
        ("adaface", "unpg", "momentum", 4),
        ("cosface", "bounded", "sgd", 3),
        ("subcenter_arcface", "margin", "sgd", 2),
    ],
)
def test_shards_train_as_all_on_one_device(
    strategy_of, name, loss, optimizer, replicas
):
    case = (name, loss, optimizer)
    options = {"num_classes": CLASSES, "sharded": True}
    found = training.fit(strategy_of(replicas), *case, **options)
    training.assert_same(found, training.fit_on_one(*case, **options))


def test_a_run_goes_on_with_any_number_of_replicas(strategy_of, tmp_path):
    def epoch(model):
        history = model.fit(training.dataset(), verbose=0)
        found.append(history.history["loss"][0])

    case = ("curricularface", "unpg", "adamw")
    options = {"num_classes": CLASSES, "sharded": True}
    found = []
    model = training.compiled(strategy_of(2), *case, **options)
    epoch(model)
    model.save(tmp_path / "model.keras")
    model = keras.models.load_model(tmp_path / "model.keras")
    assert not model.head.is_divided
    epoch(model)
    path = tf.train.Checkpoint(model=model).save(tmp_path / "checkpoint")
    model = training.compiled(strategy_of(3), *case, **options)
    checkpoint = tf.train.Checkpoint(model=model)
    checkpoint.restore(path).assert_consumed()
    epoch(model)
    training.assert_same(
        (found, model.get_weights()),
        training.fit_on_one(*case, epochs=3, **options),
    )


def train_by_hand(strategy):
    """The training of `fit` by `strategy.run`."""
    with strategy.scope():
        backbone, head = training.make_parts(
            "adaface", num_classes=CLASSES, sharded=True
        )
        head.build((None, training.DIM))
        variables = backbone.trainable_weights + head.trainable_weights
        optimizer = optimizers.keep_shards(
            training.OPTIMIZERS["momentum"](), variables
        )
        loss = losses.UNPGLoss(
            training.SCALE, embedding_dim=training.DIM, reduction="none"
        )

    @tf.function
    def run(batch, rows):
        def step(batch):
            images, labels = batch
            with tf.GradientTape() as tape:
                embeddings = backbone(images)
                cosines, columns = head.condensed(
                    embeddings, labels, loss.scale
                )
                y_pred = tf.concat([cosines, embeddings], axis=1)
                value = tf.nn.compute_average_loss(
                    loss(columns, y_pred), global_batch_size=rows
                )
            slopes = tape.gradient(value, variables)
            optimizer.apply_gradients(zip(slopes, variables, strict=True))
            return value

        return strategy.reduce("sum", strategy.run(step, [batch]), axis=None)

    history = []
    for _ in range(training.EPOCHS):
        total = 0.0
        batches = strategy.experimental_distribute_dataset(training.dataset())
        for batch, rows in zip(batches, (12, 5), strict=True):
            total += rows * float(run(batch, rows))
        history.append(total / training.ROWS)
    weights = backbone.get_weights() + head.get_weights()
    return (history, weights), head, optimizer


def test_a_loop_by_hand_and_the_memory_of_its_shards(strategy_of):
    found, head, optimizer = train_by_hand(strategy_of(2))
    expected = training.fit_on_one(
        "adaface", "unpg", "momentum", num_classes=CLASSES, sharded=True
    )
    training.assert_same(found, expected)
    state = optimizer.variables
    weights = [head.centers, *(state() if callable(state) else state)]
    shapes = [
        [part.shape.as_list() for part in compat.tf_variable(weight).values]
        for weight in weights
    ]
    whole, shard = [CLASSES, training.DIM], [4, training.DIM]
    assert not any(whole in parts for parts in shapes)
    # The centres and their momentum.
    assert [parts for parts in shapes if shard in parts] == [[shard] * 2] * 2


def test_weights_come_and_go_as_a_whole(strategy_of):
    model = training.compiled(
        strategy_of(2), "plain", "margin", num_classes=CLASSES, sharded=True
    )
    weights = model.get_weights()
    centers = weights[-1]
    assert centers.shape == (CLASSES, training.DIM)
    one = training.compiled(
        tf.distribute.get_strategy(), "plain", "margin", num_classes=CLASSES
    )
    np.testing.assert_array_equal(centers, one.get_weights()[-1])
    model.set_weights([*weights[:-1], -centers])
    np.testing.assert_array_equal(model.head.get_weights()[0], -centers)
    # Outside of replicas it is a head like any other.
    embeddings = tf.constant(training.IMAGES[:, : training.DIM])
    np.testing.assert_allclose(
        model.head(embeddings), -one.head(embeddings), atol=1e-6
    )


def sharded_model(strategy):
    with strategy.scope():
        return models.EmbeddingModel(
            *training.make_parts("plain", num_classes=CLASSES, sharded=True)
        )


REFUSED = {
    "an optimizer like": {"optimizer": keras.optimizers.Adafactor},
    "no clipnorm": {"optimizer": lambda: keras.optimizers.SGD(clipnorm=1.0)},
    "no use_ema": {"optimizer": lambda: keras.optimizers.SGD(use_ema=True)},
    "no metrics": {"metrics": ["accuracy"]},
    "a MarginLoss, such as UNPGLoss": {
        "loss": lambda y_true, y_pred: y_pred[:, 0]
    },
}


@pytest.mark.parametrize("message", REFUSED)
def test_what_needs_more_than_a_shard_is_refused(strategy_of, message):
    strategy = strategy_of(2)
    model = sharded_model(strategy)
    options = {
        "loss": training.LOSSES["margin"],
        "optimizer": keras.optimizers.SGD,
        **REFUSED[message],
    }
    with strategy.scope(), pytest.raises(ValueError, match=message):
        optimizer = options.pop("optimizer")()
        model.compile(optimizer, **options)


def test_a_loop_that_sums_the_shards_gradients_is_refused(strategy_of):
    strategy = strategy_of(2)
    head = sharded_model(strategy).head
    rows = tf.ones([2, training.DIM])
    with pytest.raises(ValueError, match="keep_shards"):
        strategy.run(lambda: head.condensed(rows, tf.constant([0, 1]), 16.0))


def test_a_replica_has_no_cosines_to_all_classes(strategy_of):
    strategy = strategy_of(2)
    head = sharded_model(strategy).head
    with pytest.raises(ValueError, match="a call of `condensed`"):
        strategy.run(lambda: head(tf.ones([2, training.DIM])))
