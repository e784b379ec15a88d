"""Any number of replicas trains as one device on the whole batch does."""

import itertools

import numpy as np
import pytest
import tensorflow as tf
from tensorflow import keras

from tests.distribute import training
from unpg_tf import layers
from unpg_tf import losses
from unpg_tf import models

# `plain`, the other kinds and the threshold go the same ways.
NAMES = [
    "cosface",
    "arcface",
    "combined",
    "sphereface",
    "magface",
    "adaface",
    "curricularface",
    "elastic_cosface",
    "mv_cosface",
]
# The scale of AdaCos isn't that of pairs.
CASES = [
    (name, *case)
    for name, case in zip(NAMES, itertools.cycle([("margin", 3), ("unpg", 2)]))
]


# What a head shares among replicas doesn't depend on the loss.
@pytest.mark.parametrize(
    ("name", "loss", "replicas"), [*CASES, ("adacos", "margin", 2)]
)
def test_every_head_trains_as_on_one_device(strategy_of, name, loss, replicas):
    found = training.fit(strategy_of(replicas), name, loss)
    training.assert_same(found, training.fit_on_one(name, loss))


# Over 4 replicas the last batch leaves one without a row.
@pytest.mark.parametrize(
    ("name", "loss", "replicas"),
    [("magface", "unpg", 3), ("adaface", "bounded", 4)],
)
def test_more_replicas_change_nothing(strategy_of, name, loss, replicas):
    found = training.fit(strategy_of(replicas), name, loss)
    training.assert_same(found, training.fit_on_one(name, loss))


def test_bounded_pairs_are_those_of_one_device(strategy_of):
    found = training.fit(strategy_of(2), "arcface", "bounded")
    training.assert_same(found, training.fit_on_one("arcface", "bounded"))
    # Neither of the losses that they lie between.
    for loss in ("margin", "unpg"):
        _, (kernel, *_) = training.fit_on_one("arcface", loss)
        assert np.abs(kernel - found[1][0]).max() > 0.01


def test_the_first_batch_may_be_uneven(strategy_of):
    found = training.fit(strategy_of(2), "cosface", "unpg", batch_size=5)
    expected = training.fit_on_one("cosface", "unpg", batch_size=5)
    training.assert_same(found, expected)


# AdaFace communicates before the loss.
@pytest.mark.parametrize("name", ["cosface", "adaface"])
def test_penalties_of_activities_are_those_of_one_device(strategy_of, name):
    def fit(strategy):
        with strategy.scope():
            backbone, head = training.make_parts(name)
            penalty = keras.layers.ActivityRegularization(l2=0.1)
            backbone = keras.Sequential([*backbone.layers, penalty])
            backbone.build([None, training.FEATURES])
            model = models.EmbeddingModel(backbone, head)
            model.compile(keras.optimizers.SGD(0.01), training.LOSSES["unpg"])
        # All batches have as many rows on each replica.
        rows = training.dataset().take(1)
        history = model.fit(rows, epochs=2, verbose=0).history
        return history["loss"], model.get_weights()

    expected = fit(tf.distribute.get_strategy())
    training.assert_same(fit(strategy_of(2)), expected)


def test_factors_in_half_precision_are_those_of_one_device(strategy_of):
    arguments = ("cosface", "bfloat16")
    options = {"product_dtype": "bfloat16"}
    found = training.fit(strategy_of(2), *arguments, **options)
    # What differs in a last bit may be rounded to another factor.
    expected = training.fit_on_one(*arguments, **options)
    training.assert_same(found, expected, tolerance=1e-2)
    training.assert_same(
        expected, training.fit_on_one("cosface", "unpg"), tolerance=0.1
    )


def fit_functional(strategy):
    """The same training by a model of one's own."""
    with strategy.scope():
        backbone, head = training.make_parts("adaface")
        images = keras.Input([training.FEATURES])
        labels = keras.Input([], dtype="int32")
        embeddings = backbone(images)
        cosines = head(embeddings, labels)
        y_pred = keras.layers.Concatenate()([cosines, embeddings])
        model = keras.Model([images, labels], y_pred)
        model.compile(keras.optimizers.SGD(0.3), training.LOSSES["unpg"])
    inputs = training.dataset().map(lambda x, y: ((x, y), y))
    history = model.fit(inputs, epochs=training.EPOCHS, verbose=0)
    return history.history["loss"], backbone.get_weights() + head.get_weights()


@pytest.mark.parametrize("replicas", [1, 2])
def test_a_functional_model_trains_as_on_one_device(strategy_of, replicas):
    found = fit_functional(strategy_of(replicas))
    training.assert_same(found, training.fit_on_one("adaface", "unpg"))


def train_by_hand(strategy, sizes):
    """The same training by `strategy.run`, with given rows a replica."""
    with strategy.scope():
        backbone, head = training.make_parts("adaface")
        head.build((None, training.DIM))
        optimizer = keras.optimizers.SGD(0.3)
        variables = backbone.trainable_weights + head.trainable_weights
        optimizer.build(variables)
        loss = losses.UNPGLoss(
            training.SCALE, embedding_dim=training.DIM, reduction="none"
        )

    def step(images, labels, all_rows):
        with tf.GradientTape() as tape:
            embeddings = backbone(images)
            cosines = head(embeddings, labels, training=True)
            y_pred = tf.concat([cosines, embeddings], axis=1)
            value = tf.nn.compute_average_loss(
                loss(labels, y_pred), global_batch_size=all_rows
            )
        slopes = tape.gradient(value, variables)
        optimizer.apply_gradients(zip(slopes, variables, strict=True))
        return value

    @tf.function(reduce_retracing=True)
    def run(images, labels, all_rows):
        values = strategy.run(step, [images, labels, all_rows])
        return strategy.reduce("sum", values, axis=None)

    history = []
    for _ in range(training.EPOCHS):
        total = 0.0
        for first, rows in (
            (0, training.BATCH),
            (training.BATCH, training.ROWS - training.BATCH),
        ):
            ends = first + np.cumsum([0, *sizes[rows]])
            images, labels = (
                strategy.experimental_distribute_values_from_function(
                    lambda context, values=values, ends=ends: tf.constant(
                        values[
                            ends[context.replica_id_in_sync_group] : ends[
                                context.replica_id_in_sync_group + 1
                            ]
                        ]
                    )
                )
                for values in (training.IMAGES, training.LABELS)
            )
            total += rows * float(run(images, labels, rows))
        history.append(total / training.ROWS)
    return history, backbone.get_weights() + head.get_weights()


@pytest.mark.parametrize(
    ("replicas", "sizes"),
    [(1, {12: [12], 5: [5]}), (3, {12: [2, 9, 1], 5: [1, 0, 4]})],
)
def test_a_loop_by_hand_trains_as_on_one_device(strategy_of, replicas, sizes):
    found = train_by_hand(strategy_of(replicas), sizes)
    training.assert_same(found, training.fit_on_one("adaface", "unpg"))


@pytest.mark.parametrize("replicas", [2])
def test_state_is_one_on_all_replicas(strategy_of, replicas):
    strategy = strategy_of(replicas)
    with strategy.scope():
        head = layers.AdaFace(training.CLASSES, ema_rate=0.5)
        head.build((None, training.DIM))
    rows = strategy.experimental_distribute_values_from_function(
        lambda context: tf.constant(
            (1.0 + 9.0 * context.replica_id_in_sync_group)
            * np.ones([3, training.DIM]),
            tf.float32,
        )
    )

    @tf.function
    def step(rows):
        def replica(rows):
            head(rows, tf.constant([0, 1, 2]), training=True)
            return tf.convert_to_tensor(head.batch_mean)

        return strategy.run(replica, [rows])

    means = strategy.experimental_local_results(step(rows))
    # Lengths are 2 on the first replica and 20 on the second.
    np.testing.assert_allclose(means, [0.5 * 20 + 0.5 * 11] * 2, rtol=1e-6)
