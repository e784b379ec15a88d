"""Tests of training, evaluating and saving a backbone under a head."""

import numpy as np
import pytest
import tensorflow as tf
from tensorflow import keras

from tests import heads
from tests import oracle
from unpg_tf import compat
from unpg_tf import layers
from unpg_tf import losses
from unpg_tf import models

ROWS, FEATURES, DIM, CLASSES, SCALE = 8, 5, 4, 6, 16.0
EMBEDDINGS, LABELS, CENTERS = heads.batch(ROWS, DIM, CLASSES)
RNG = np.random.default_rng(0)
IMAGES = RNG.normal(size=[ROWS, FEATURES]).astype("float32")
UNPG = losses.UNPGLoss(SCALE, embedding_dim=DIM)
MARGIN = losses.MarginLoss(SCALE, embedding_dim=DIM)


@pytest.fixture
def policy():
    before = keras.mixed_precision.global_policy()
    yield keras.mixed_precision.set_global_policy
    keras.mixed_precision.set_global_policy(before)


def dense_backbone():
    normal = keras.initializers.RandomNormal(stddev=8.0, seed=1)
    dense = keras.layers.Dense(DIM, kernel_initializer=normal)
    return keras.Sequential([keras.Input([FEATURES]), dense])


def make_model(name="adaface", loss=UNPG, optimizer="sgd", **compile_options):
    """A compiled model; `run_eagerly` spares a trace that tests nothing."""
    normal = keras.initializers.RandomNormal(stddev=1.0, seed=2)
    head = heads.make(name, CLASSES, centers_initializer=normal)
    model = models.EmbeddingModel(dense_backbone(), head)
    if optimizer == "sgd":
        optimizer = keras.optimizers.SGD(0.3)
    model.compile(optimizer, loss, **compile_options)
    return model


def fit(model, labels=LABELS, **options):
    options = {"batch_size": 4, "shuffle": False, "verbose": 0, **options}
    return model.fit(IMAGES, labels, **options).history


def evaluate(model, labels=LABELS, **options):
    return model.evaluate(IMAGES, labels, batch_size=ROWS, verbose=0, **options)


def state_of(model):
    return [weight.numpy() for weight in model.head.weights[1:]]


def assert_equal(found, expected):
    for here, there in zip(found, expected, strict=True):
        np.testing.assert_array_equal(here, there)


# The heads that differ in what a step takes: an angle, a cosine, lengths and
# their penalty, lengths' statistics, other classes.
@pytest.mark.parametrize(
    ("name", "loss"),
    [
        ("cosface", MARGIN),
        ("arcface", UNPG),
        ("magface", MARGIN),
        ("magface", UNPG),
        ("adaface", UNPG),
        ("curricularface", UNPG),
    ],
)
def test_a_step_of_fit_is_the_papers(name, loss):
    # Images that pick rows of the kernel make it the embeddings, and plain
    # descent by 1 takes its gradient from it.
    dense = keras.layers.Dense(DIM, use_bias=False)
    backbone = keras.Sequential([keras.Input([ROWS]), dense])
    model = models.EmbeddingModel(backbone, heads.make(name, CLASSES))
    model.compile(keras.optimizers.SGD(1.0), loss)
    dense.kernel.assign(EMBEDDINGS)
    model.head.centers.assign(CENTERS)
    images = np.eye(ROWS, dtype="float32")
    history = model.fit(images, LABELS, batch_size=ROWS, verbose=0)
    own_norms = oracle.norms_of(EMBEDDINGS)
    own_cosines = oracle.cosines_of(EMBEDDINGS, CENTERS)
    t = oracle.curricularface_state(own_cosines, LABELS, 0.0, heads.EMA_RATE)

    def expected(embeddings, centers):
        cosines = oracle.cosines_of(embeddings, centers)
        norms = oracle.norms_of(embeddings)
        if name == "curricularface":
            cosines = oracle.curricularface(cosines, norms, LABELS, t)
        else:
            detached = own_norms if name == "adaface" else norms
            cosines = heads.expected(name, cosines, detached, LABELS)
        if loss is UNPG:
            rows = oracle.unpg_losses(cosines, embeddings, LABELS, SCALE, 1.5)
        else:
            rows = oracle.softmax_losses(cosines, LABELS, SCALE)
        if name == "magface":
            rows = rows + oracle.magface_penalty(norms)
        return rows.mean()

    np.testing.assert_allclose(
        history.history["loss"], [expected(EMBEDDINGS, CENTERS)], rtol=1e-5
    )
    for after, before, function in (
        (dense.kernel, EMBEDDINGS, lambda x: expected(x, CENTERS)),
        (model.head.centers, CENTERS, lambda x: expected(EMBEDDINGS, x)),
    ):
        slopes = oracle.gradient(function, before, step=1e-5)
        # What is left of the gradient after single precision.
        tolerance = 1e-6 * np.abs(before).max() + 1e-4 * np.abs(slopes).max()
        np.testing.assert_allclose(
            before - after.numpy(), slopes, atol=tolerance
        )


def test_predict_gives_the_backbones_embeddings():
    model = make_model()
    embeddings = model.predict(IMAGES, verbose=0)
    np.testing.assert_allclose(embeddings, model.backbone(IMAGES), rtol=1e-5)


def test_it_learns_and_its_accuracy_is_that_of_the_cosines():
    model = make_model("cosface", metrics=["accuracy"])
    history = fit(model, epochs=30)
    assert history["loss"][-1] < 0.7 * history["loss"][0]
    assert history["accuracy"][-1] > history["accuracy"][0]
    _, accuracy = evaluate(model)
    cosines = oracle.cosines_of(
        model.predict(IMAGES, verbose=0), model.head.centers.numpy()
    )
    expected = np.mean(np.argmax(cosines, axis=1) == LABELS)
    np.testing.assert_allclose(accuracy, expected)


@pytest.mark.parametrize("name", heads.STATEFUL)
def test_evaluation_leaves_the_state(name):
    model = make_model(name, run_eagerly=name != "adaface")
    fit(model)
    before = state_of(model)
    first, second = evaluate(model), evaluate(model)
    assert first == second
    assert_equal(state_of(model), before)


@pytest.mark.parametrize("name", heads.NAMES)
def test_a_saved_model_comes_back_whole(name, tmp_path):
    model = make_model(name, run_eagerly=True)
    model.head(model.backbone(IMAGES), LABELS, training=True)
    before = evaluate(model)
    model.save(tmp_path / "model.keras")
    twin = keras.models.load_model(tmp_path / "model.keras")
    assert_equal(twin.get_weights(), model.get_weights())
    np.testing.assert_allclose(evaluate(twin), before, rtol=1e-6)
    assert twin.head.get_config() == model.head.get_config()


def test_training_goes_on_where_a_saved_model_stopped(tmp_path):
    model = make_model("adaface", optimizer="adam", run_eagerly=True)
    fit(model)
    model.save(tmp_path / "model.keras")
    twin = keras.models.load_model(tmp_path / "model.keras")
    expected, found = fit(model), fit(twin)
    np.testing.assert_allclose(found["loss"], expected["loss"], rtol=1e-6)
    for here, there in zip(twin.weights, model.weights, strict=True):
        np.testing.assert_allclose(here, there, rtol=1e-5, atol=1e-6)


def test_a_folder_of_keras_2_comes_back_whole(tmp_path):
    model = make_model("adaface", optimizer="adam")
    folder = str(tmp_path / "saved")
    if compat.IS_KERAS_3:
        with pytest.raises(ValueError, match=r"\.keras"):
            model.save(folder)
        return
    keep = keras.callbacks.ModelCheckpoint(folder)
    model.fit(IMAGES, LABELS, verbose=0, callbacks=[keep])
    loaded = keras.models.load_model(folder)
    assert_equal(loaded.get_weights(), model.get_weights())
    np.testing.assert_allclose(evaluate(loaded), evaluate(model), rtol=1e-5)
    # Keras 2 forgets the optimizer's state there, of any model.
    fit(loaded)
    assert evaluate(loaded) < evaluate(model)


def test_weights_alone_go_into_a_new_model(tmp_path):
    model = make_model("adaface", run_eagerly=True)
    fit(model)
    model.save_weights(tmp_path / "model.weights.h5")
    twin = make_model("adaface")
    assert (twin.get_weights()[0] != model.get_weights()[0]).any()
    twin.load_weights(tmp_path / "model.weights.h5")
    assert_equal(twin.get_weights(), model.get_weights())


@pytest.mark.parametrize(
    "options",
    [{"run_eagerly": True}, {"steps_per_execution": 2}, {"jit_compile": True}],
    ids=["run_eagerly", "steps_per_execution", "jit_compile"],
)
def test_ways_to_run_give_the_same(options):
    expected = make_model("adaface")
    found = make_model("adaface", **options)
    np.testing.assert_allclose(
        fit(found, epochs=2)["loss"],
        fit(expected, epochs=2)["loss"],
        rtol=1e-5,
    )
    for here, there in zip(found.weights, expected.weights, strict=True):
        np.testing.assert_allclose(here, there, rtol=1e-4, atol=1e-5)


class Counted(models.EmbeddingModel):
    """Counts how often TensorFlow traces its steps."""

    traced = 0

    def train_step(self, data):
        self.traced += 1
        return super().train_step(data)

    def test_step(self, data):
        self.traced += 1
        return super().test_step(data)


@pytest.mark.parametrize("names", [["accuracy"], ["acc"], []])
@pytest.mark.parametrize("act", [fit, evaluate])
def test_a_step_is_traced_once(act, names):
    model = Counted(dense_backbone(), layers.CosFace(CLASSES))
    optimizer = keras.optimizers.SGD(0.3, momentum=0.9)
    model.compile(optimizer, MARGIN, metrics=names, weighted_metrics=names)
    act(model)
    assert model.traced == 1
    act(model)
    assert model.traced == 1


def other_head(model):
    model.head = layers.MagFace(CLASSES + 3)


def other_backbone(model):
    model.backbone = dense_backbone()


def thaw(model):
    model.backbone.trainable = True


# Compiled with a new optimizer, with the used one, and not again.
@pytest.mark.parametrize(
    ("change", "again"),
    [
        (other_head, "new"),
        (other_head, None),
        (other_backbone, "used"),
        (thaw, "used"),
    ],
)
def test_a_trained_model_trains_after_a_change(change, again, tmp_path):
    model = make_model("cosface")
    model.backbone.trainable = change is not thaw
    model.compile("adam", MARGIN, metrics=["accuracy"])
    fit(model)
    change(model)
    if again:
        optimizer = "adam" if again == "new" else model.optimizer
        model.compile(optimizer, MARGIN, metrics=["accuracy"])
    before = [weight.numpy() for weight in model.trainable_weights]
    assert len(before) == 3
    fit(model, LABELS + model.head.num_classes - CLASSES)
    for was, weight in zip(before, model.trainable_weights, strict=True):
        assert (was != weight.numpy()).any()
    assert int(model.optimizer.iterations) == (2 if again == "new" else 4)
    path = tmp_path / "model.keras"
    model.save(path)
    twin = keras.models.load_model(path)
    assert_equal(twin.get_weights(), model.get_weights())
    assert_equal(
        [variable.numpy() for variable in twin.optimizer.variables],
        [variable.numpy() for variable in model.optimizer.variables],
    )


def test_another_backbone_predicts():
    model = make_model()
    model.predict(IMAGES, verbose=0)
    other_backbone(model)
    np.testing.assert_allclose(
        model.predict(IMAGES, verbose=0), model.backbone(IMAGES), rtol=1e-5
    )


def test_a_second_fit_keeps_the_loss_scale(policy):
    policy("mixed_float16")
    model = make_model("cosface", optimizer="adam")
    fit(model)
    before = [id(variable) for variable in model.optimizer.variables]
    fit(model)
    assert [id(variable) for variable in model.optimizer.variables] == before


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("head", keras.layers.Dense(DIM), "head, a MarginHead"),
        ("backbone", np.mean, r"backbone, a Keras model \(.* Keras [23]\)"),
    ],
)
def test_refuses_what_is_no_part_of_it(name, value, expected):
    with pytest.raises(ValueError, match=f"Expected {expected}. Received: "):
        setattr(make_model(), name, value)


def test_sample_weights_weigh_the_rows():
    model = make_model("cosface", loss=UNPG)
    rows = UNPG.call(
        LABELS,
        tf.concat(
            [
                model.head(model.backbone(IMAGES), LABELS),
                model.backbone(IMAGES),
            ],
            axis=1,
        ),
    )
    weights = np.linspace(0.0, 2.0, ROWS).astype("float32")
    np.testing.assert_allclose(
        evaluate(model, sample_weight=weights),
        np.mean(weights * rows),
        rtol=1e-5,
    )


@pytest.mark.parametrize("half", ["float16", "bfloat16"])
def test_half_precision_learns(half, policy):
    policy(f"mixed_{half}")
    model = make_model("magface", metrics=["accuracy"])
    history = fit(model, epochs=20)
    assert model.backbone(IMAGES).dtype == half
    assert model.head(model.backbone(IMAGES)).dtype == tf.float32
    assert np.isfinite(history["loss"]).all()
    assert history["loss"][-1] < history["loss"][0]


def test_labels_may_be_a_column():
    first, second = make_model("cosface"), make_model("cosface")
    expected = fit(first)
    found = fit(second, labels=LABELS[:, np.newaxis].astype("int64"))
    assert found == expected
    assert_equal(second.get_weights(), first.get_weights())


class Subclassed(keras.Model):
    """A backbone that knows its shapes only when it is called."""

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.dense = keras.layers.Dense(DIM)

    def call(self, images, training=None):
        return self.dense(images)


@pytest.mark.parametrize(
    "make_backbone",
    [Subclassed, lambda: keras.Sequential([keras.layers.Dense(DIM)])],
    ids=["subclassed", "sequential"],
)
def test_a_backbone_may_be_built_by_its_first_batch(make_backbone):
    head = layers.CosFace(CLASSES)
    model = models.EmbeddingModel(make_backbone(), head)
    model.compile(keras.optimizers.SGD(1.0), UNPG)
    history = fit(model, epochs=10)
    assert history["loss"][-1] < history["loss"][0]
    assert len(model.trainable_weights) == 3
    assert tuple(model.head.centers.shape) == (CLASSES, DIM)


def test_refuses_a_backbone_that_gives_no_vectors():
    backbone = keras.Sequential(
        [keras.Input([4, 4, 3]), keras.layers.Conv2D(DIM, 1)]
    )
    with pytest.raises(ValueError, match="Expected a backbone with embeddings"):
        models.EmbeddingModel(backbone, layers.CosFace(CLASSES))


def test_refuses_images_without_labels():
    model = make_model()
    with pytest.raises(ValueError, match="Expected labels beside the images"):
        model.fit(IMAGES, verbose=0)


@pytest.mark.parametrize("wrong", [-1, CLASSES])
def test_fit_names_a_label_out_of_range(wrong):
    labels = LABELS.copy()
    labels[3] = wrong
    with pytest.raises(tf.errors.InvalidArgumentError) as error:
        fit(make_model("cosface"), labels=labels)
    assert "Expected labels in [0, num_classes)" in str(error.value)
    assert str(wrong) in str(error.value)


def backbone_of(inputs, output):
    """A backbone of these inputs, with its output in a container."""
    image, number = (
        keras.Input((4, 4, 3), name="a"),
        keras.Input((2,), name="b"),
    )
    flat = keras.layers.Flatten()(image)
    parts = {
        "one": (image, flat),
        "list": ([image, number], keras.layers.Concatenate()([flat, number])),
        "dict": (
            {"a": image, "b": number},
            keras.layers.Concatenate()([flat, number]),
        ),
    }
    given, features = parts[inputs]
    x = keras.layers.Dense(6, name="embedding")(features)
    outputs = {"one": x, "list": [x], "dict": {"embedding": x}, "two": [x, x]}
    return keras.Model(given, outputs[output])


@pytest.mark.parametrize(
    ("inputs", "output"), [("one", "list"), ("list", "one"), ("dict", "dict")]
)
def test_inputs_and_output_may_be_in_containers(inputs, output, tmp_path):
    rng = np.random.default_rng(0)
    image = rng.normal(size=(6, 4, 4, 3)).astype("float32")
    number = rng.normal(size=(6, 2)).astype("float32")
    x = {"one": image, "list": [image, number]}.get(
        inputs, {"a": image, "b": number}
    )
    labels = np.arange(6) % 3
    model = models.EmbeddingModel(
        backbone_of(inputs, output), layers.CosFace(3)
    )
    model.compile("sgd", losses.UNPGLoss(embedding_dim=6))
    model.fit(x, labels, batch_size=3, verbose=0)
    embeddings = model.predict(x, verbose=0)
    assert embeddings.shape == (6, 6)
    path = tmp_path / "model.keras"
    model.save(path)
    loaded = keras.models.load_model(path)
    np.testing.assert_allclose(
        loaded.predict(x, verbose=0), embeddings, atol=1e-6
    )
    loaded.fit(x, labels, batch_size=3, verbose=0)
    model.export(str(tmp_path / "exported"))
    served = tf.saved_model.load(str(tmp_path / "exported"))
    if inputs != "list":  # Which Keras 2 exports so that none can be given.
        np.testing.assert_allclose(served.serve(x), embeddings, atol=1e-5)


def test_refuses_a_backbone_of_two_outputs():
    with pytest.raises(ValueError, match="Expected one entry in output of"):
        models.EmbeddingModel(backbone_of("one", "two"), layers.CosFace(3))
