"""Statistics of UNPG during `fit`, and warnings where it goes bad."""

import logging

import numpy as np
import pytest
import tensorflow as tf
from tensorflow import keras

from tests import oracle
from tests.callbacks.events import events
from unpg_tf import layers
from unpg_tf import losses
from unpg_tf import models
from unpg_tf.callbacks import StatisticsCallback

SIZE, CLASSES, DIM, ROWS, SCALE = 8, 5, 4, 12, 8.0
RNG = np.random.default_rng(0)
IMAGES = RNG.uniform(0, 255, [ROWS, SIZE, SIZE, 3]).astype("float32")
LABELS = np.arange(ROWS, dtype="int32") % CLASSES
OF_PAIRS = ["negative_mean", "negative_std"]
OF_CLASSES = [
    "inf_positive",
    "sup_negative",
    "center_mean",
    "center_max",
    "wrong_share",
]
OF_UNPG = [
    "kept_share",
    "whisker_low",
    "whisker_high",
    "unpg_share",
    "bounded_share",
]


def compiled_model(
    loss=None, optimizer="sgd", num_classes=CLASSES, **arguments
):
    backbone = keras.Sequential(
        [
            keras.Input((SIZE, SIZE, 3)),
            keras.layers.Rescaling(1 / 127.5, offset=-1),
            keras.layers.Flatten(),
            keras.layers.Dense(DIM),
        ]
    )
    model = models.EmbeddingModel(
        backbone, layers.CosFace(num_classes, **arguments)
    )
    loss = loss or losses.UNPGLoss(SCALE, embedding_dim=DIM)
    model.compile(optimizer, loss)
    return model


def fit(model, callback, epochs=1):
    dataset = tf.data.Dataset.from_tensor_slices((IMAGES, LABELS)).batch(4)
    return model.fit(
        dataset, epochs=epochs, callbacks=[callback], verbose=0
    ).history


def own(caplog):
    """What this package has logged; TensorFlow speaks of its retracing."""
    return [record for record in caplog.records if record.name == "unpg_tf"]


def expected_of(model):
    """What the oracle says of the model as it is."""
    embeddings = model.predict(IMAGES, verbose=0).astype("float64")
    centers = np.array(model.head.centers, "float64")
    cosines = oracle.cosines_of(embeddings, centers)
    own = np.arange(CLASSES) == LABELS[:, np.newaxis]
    negatives = oracle.negatives(embeddings, LABELS)
    with_margin = oracle.cosface(cosines, None, LABELS, model.head.margin)
    plain, unpg = (
        oracle.softmax_losses(with_margin, LABELS, SCALE, pairs)
        for pairs in ((), oracle.kept(negatives, 1.5))
    )
    of_centers = oracle.cosines_of(centers, centers)
    of_centers = of_centers[~np.eye(CLASSES, dtype=bool)]
    return {
        "negative_mean": np.mean(negatives),
        "inf_positive": cosines[own].min(),
        "sup_negative": max(cosines[~own].max(), *negatives),
        "center_max": of_centers.max(),
        # The classes' part of the denominator is what the losses differ by.
        "unpg_share": 1 - np.mean(np.exp(plain - unpg)),
        "wrong_share": 1 - np.mean(np.exp(-plain)),
    }


@pytest.mark.parametrize("replicas", [1, 2])
def test_the_history_holds_those_of_the_whole_batch(
    strategy_of, tmp_path, replicas
):
    with strategy_of(replicas).scope():
        model = compiled_model()
    callback = StatisticsCallback(
        IMAGES, LABELS, every=2, log_dir=tmp_path, batch_size=5
    )
    history = fit(model, callback, epochs=2)
    assert [name for name in history if name != "loss"] == [
        *OF_PAIRS,
        *OF_CLASSES,
        *OF_UNPG,
    ]
    for name, value in expected_of(model).items():
        assert history[name][-1] == pytest.approx(value, abs=1e-5), name
    assert history["unpg_share"][0] != history["unpg_share"][1]
    written = [
        (step, value)
        for step, tag, _, value in events(tmp_path)
        if tag == "unpg_share"
    ]
    assert [step for step, _ in written] == [2, 3, 5, 6]
    assert [written[1][1], written[3][1]] == history["unpg_share"]


def test_each_loss_has_its_own():
    model = compiled_model(losses.MarginLoss(embedding_dim=DIM))
    history = fit(model, StatisticsCallback(IMAGES, LABELS))
    assert list(history) == ["loss", *OF_PAIRS, *OF_CLASSES]
    model = compiled_model(losses.TripletSemiHardLoss(embedding_dim=DIM))
    history = fit(model, StatisticsCallback(IMAGES, LABELS))
    assert list(history) == ["loss", *OF_PAIRS]


@pytest.mark.parametrize(
    "arguments", [{"sample_rate": 0.99}, {"dtype": "float64"}]
)
def test_the_head_may_be_sampled_or_of_double_precision(arguments):
    model = compiled_model(**arguments)
    history = fit(model, StatisticsCallback(IMAGES, LABELS))
    for name, value in expected_of(model).items():
        assert history[name][-1] == pytest.approx(value, abs=1e-5), name


def test_the_pairs_share_is_that_of_the_loss():
    share = 0.3
    loss = losses.UNPGLoss(SCALE, embedding_dim=DIM, max_pair_share=share)
    # Of 45 classes beside those of the images 12 are drawn, for all of them.
    model = compiled_model(loss, num_classes=50, sample_rate=0.1)
    history = fit(model, StatisticsCallback(IMAGES, LABELS))
    embeddings = model.predict(IMAGES, verbose=0).astype("float64")
    cosines, columns = model.head.sampled(
        tf.constant(embeddings, "float32"), LABELS, training=False, scale=SCALE
    )
    plain, unpg = (
        oracle.softmax_losses(cosines.numpy(), columns.numpy(), SCALE, pairs)
        for pairs in (
            (),
            oracle.kept(oracle.negatives(embeddings, LABELS), 1.5),
        )
    )
    shares = 1 - np.exp(plain - unpg)
    expected = np.minimum(shares, share).mean()
    assert history["unpg_share"] == [pytest.approx(expected, abs=1e-5)]
    is_bounded = shares > share
    assert {*is_bounded} == {True, False}
    assert history["bounded_share"] == [pytest.approx(is_bounded.mean())]


def test_several_steps_at_once_pass_a_measurement():
    steps = []

    class Counted(StatisticsCallback):
        def measure(self):
            steps.append(int(np.asarray(self.model.optimizer.iterations)))
            return super().measure()

    model = compiled_model()
    model.compile("sgd", model.loss, steps_per_execution=2)
    callback = Counted(IMAGES, LABELS, every=3)
    model.fit(IMAGES, LABELS, batch_size=2, callbacks=[callback], verbose=0)
    assert steps == [4, 6, 6]


def collapse(model):
    """Makes all embeddings alike."""
    kernel, bias = model.backbone.get_weights()
    model.backbone.set_weights([1e-6 * kernel, bias + 1.0])


def test_a_fresh_network_may_find_all_images_alike(caplog):
    model = compiled_model(optimizer=keras.optimizers.SGD(0.0))
    collapse(model)
    fit(model, StatisticsCallback(IMAGES, LABELS), epochs=66)
    assert own(caplog) == []
    fit(model, StatisticsCallback(IMAGES, LABELS), epochs=2)
    (record,) = own(caplog)
    assert record.levelno == logging.WARNING
    assert "Expected embeddings that tell classes apart" in record.message
    assert "negative_mean=1 after 201 steps" in record.message


def test_embeddings_that_collapse_again_are_warned_of_once(caplog):
    model = compiled_model(optimizer=keras.optimizers.SGD(0.0))
    callback = StatisticsCallback(IMAGES, LABELS)
    history = fit(model, callback)
    assert history["negative_mean"][0] < 0.5
    collapse(model)
    assert own(caplog) == []
    fit(model, callback, epochs=2)
    (record,) = own(caplog)
    assert "negative_mean=1 after 6 steps" in record.message


def test_nothing_kept_is_warned_of_once(caplog):
    model = compiled_model(optimizer=keras.optimizers.SGD(0.0))
    callback = StatisticsCallback(IMAGES, np.zeros_like(LABELS))
    fit(model, callback, epochs=2)
    (record,) = own(caplog)
    assert "kept_share=0 after 3 steps" in record.message


# Of four epochs the second is the last of the first half.
@pytest.mark.parametrize(
    ("learned", "loss", "told"),
    [
        (2, losses.UNPGLoss, ["wrong_share=0.4 after 2 of 4 epochs"]),
        (3, losses.UNPGLoss, []),
        (1, losses.MarginLoss, []),
    ],
)
def test_what_is_learned_soon_is_told_once(caplog, learned, loss, told):
    class Learned(StatisticsCallback):
        """As if a softmax had learned the images in that epoch."""

        epochs = 0

        def measure(self):
            self.epochs += 1
            wrong = 0.4 if self.epochs >= learned else 0.6
            return super().measure() | {"wrong_share": wrong}

    model = compiled_model(loss(SCALE, embedding_dim=DIM))
    fit(model, Learned(IMAGES, LABELS), epochs=4)
    messages = [record.message for record in own(caplog)]
    assert [m[m.index("wrong") :] for m in messages] == told


def test_numbers_that_are_none_are_warned_of(caplog):
    model = compiled_model(optimizer=keras.optimizers.SGD(float("nan")))
    fit(model, StatisticsCallback(IMAGES, LABELS))
    assert "negative_mean=nan" in caplog.text
    assert "kept_share=0 " in caplog.text


@pytest.mark.parametrize(("initial", "warned"), [(16.0, True), (64.0, False)])
def test_a_low_loss_scale_is_warned_of(caplog, initial, warned):
    optimizer = keras.mixed_precision.LossScaleOptimizer(
        keras.optimizers.SGD(), initial_scale=initial
    )
    model = compiled_model(optimizer=optimizer)
    history = fit(model, StatisticsCallback(IMAGES, LABELS), epochs=2)
    assert history["loss_scale"] == [initial, initial]
    assert caplog.text.count("loss_scale=16 after") == warned


def test_refuses_what_it_cannot_measure():
    with pytest.raises(ValueError, match="as many labels.*images=12, labels=2"):
        StatisticsCallback(IMAGES, LABELS[:2])
    model = keras.Sequential([keras.Input([SIZE]), keras.layers.Dense(1)])
    model.compile("sgd", "mse")
    callback = StatisticsCallback(IMAGES, LABELS)
    with pytest.raises(ValueError, match="Expected an EmbeddingModel"):
        model.fit(np.zeros([2, SIZE]), np.zeros(2), callbacks=[callback])
