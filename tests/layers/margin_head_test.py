"""Tests of what all heads have in common."""

import inspect
import json

import numpy as np
import pytest
import tensorflow as tf
from tensorflow import keras

from tests import heads
from tests import oracle
from unpg_tf import layers
from unpg_tf import ops

ROWS, DIM, CLASSES = 8, 6, 5
EMBEDDINGS, LABELS, CENTERS = heads.batch(ROWS, DIM, CLASSES)

every_head = pytest.mark.parametrize("name", heads.ALL)


@pytest.fixture
def policy():
    before = keras.mixed_precision.global_policy()
    yield keras.mixed_precision.set_global_policy
    keras.mixed_precision.set_global_policy(before)


def built(name, **arguments):
    head = heads.make(name, CLASSES, **arguments)
    head.build((None, DIM))
    head.centers.assign(CENTERS)
    return head


def tensors(dtype="float32"):
    return tf.constant(EMBEDDINGS, dtype), tf.constant(LABELS)


def state_of(head):
    return [weight.numpy() for weight in head.weights[1:]]


def restore(head, state):
    for weight, value in zip(head.weights[1:], state, strict=True):
        weight.assign(value)


@every_head
@pytest.mark.parametrize(
    ("dtype", "tolerance"), [("float32", 2e-5), ("float64", 1e-9)]
)
def test_value_is_the_papers(name, dtype, tolerance):
    head = built(name, dtype=dtype)
    cosines = head(*tensors(dtype), training=True)
    expected = heads.expected(
        name,
        oracle.cosines_of(EMBEDDINGS, CENTERS),
        oracle.norms_of(EMBEDDINGS),
        LABELS,
    )
    assert cosines.dtype == dtype
    np.testing.assert_allclose(cosines, expected, atol=tolerance)


@every_head
def test_gradients_are_the_numeric_ones_of_the_oracle(name):
    head = built(name, dtype="float64")
    embeddings, labels = tensors("float64")
    weights = np.random.default_rng(1).normal(size=[ROWS, CLASSES])
    with tf.GradientTape() as tape:
        tape.watch(embeddings)
        cosines = head(embeddings, labels, training=True)
        total = tf.reduce_sum(weights * cosines)
    slopes = tape.gradient(total, [embeddings, head.trainable_weights[0]])

    def total_of(embeddings, centers):
        # What a head takes from the batch without gradient stays as it is.
        cosines = oracle.cosines_of(embeddings, centers)
        norms = oracle.norms_of(EMBEDDINGS if name == "adaface" else embeddings)
        if name == "x2_softmax":
            fixed = oracle.cosines_of(EMBEDDINGS, CENTERS)
            return np.sum(
                weights * oracle.x2_softmax(cosines, norms, LABELS, fixed)
            )
        if name == "adacos":
            return np.sum(weights * oracle.adacos(cosines, norms, LABELS, s))
        if name == "curricularface":
            return np.sum(
                weights * oracle.curricularface(cosines, norms, LABELS, t)
            )
        return np.sum(weights * heads.expected(name, cosines, norms, LABELS))

    s = heads.adacos_state(oracle.cosines_of(EMBEDDINGS, CENTERS), LABELS)
    t = oracle.curricularface_state(
        oracle.cosines_of(EMBEDDINGS, CENTERS), LABELS, 0.0, heads.EMA_RATE
    )
    for slope, function, point in (
        (slopes[0], lambda x: total_of(x, CENTERS), EMBEDDINGS),
        (slopes[1], lambda x: total_of(EMBEDDINGS, x), CENTERS),
    ):
        numeric = oracle.gradient(function, point)
        np.testing.assert_allclose(slope, numeric, atol=1e-6)


@every_head
def test_without_labels_there_is_no_margin(name):
    head = built(name)
    before = state_of(head)
    cosines = head(tensors()[0], training=True)
    expected = oracle.cosines_of(EMBEDDINGS, CENTERS)
    np.testing.assert_allclose(cosines, expected, atol=1e-6)
    assert state_of(head) == before


@every_head
def test_state_stays_outside_training(name):
    head = built(name)
    head(*tensors(), training=True)
    before = state_of(head)
    first = head(*tensors(), training=False)
    second = head(*tensors())
    assert state_of(head) == before
    np.testing.assert_array_equal(first, second)


@pytest.mark.parametrize("name", heads.STATEFUL)
def test_state_changes_in_training(name):
    head = built(name)
    before = state_of(head)
    head(*tensors(), training=True)
    assert all(
        new != old for new, old in zip(state_of(head), before, strict=True)
    )


@every_head
def test_labels_come_in_several_forms(name):
    head = built(name)
    embeddings, labels = tensors()
    expected = head(embeddings, labels)
    for dtype in ("int32", "int64"):
        for shape in ([ROWS], [ROWS, 1]):
            given = tf.reshape(tf.cast(labels, dtype), shape)
            np.testing.assert_array_equal(head(embeddings, given), expected)


@pytest.mark.parametrize("name", ["cosface", "adaface"])
@pytest.mark.parametrize("wrong", [-1, CLASSES])
@pytest.mark.parametrize("form", [lambda f: f, tf.function])
def test_a_label_out_of_range_is_named(name, form, wrong):
    head = built(name)
    embeddings, _ = tensors()
    labels = tf.constant([0] * (ROWS - 1) + [wrong])
    call = form(lambda x, y: head(x, y, training=True))
    with pytest.raises(tf.errors.InvalidArgumentError) as error:
        call(embeddings, labels)
    assert "Expected labels in [0, num_classes)" in str(error.value)
    assert str(wrong) in str(error.value)


@every_head
def test_compiled_code_marks_a_wrong_label(name):
    head = built(name)
    labels = tf.constant([0] * (ROWS - 1) + [CLASSES])
    call = tf.function(lambda x, y: head(x, y), jit_compile=True)
    broken = np.isnan(call(tensors()[0], labels)).any(axis=1)
    np.testing.assert_array_equal(broken, [False] * (ROWS - 1) + [True])


@every_head
def test_graphs_give_what_eager_code_gives(name):
    head = built(name)
    start = state_of(head)

    def step(embeddings, labels):
        return head(embeddings, labels, training=True)

    eager = step(*tensors())
    eager_state = state_of(head)
    for jit_compile in (False, True):
        restore(head, start)
        cosines = tf.function(step, jit_compile=jit_compile)(*tensors())
        np.testing.assert_allclose(cosines, eager, atol=2e-6)
        np.testing.assert_allclose(state_of(head), eager_state, rtol=1e-6)


def extreme_embeddings():
    direction = CENTERS[LABELS[0]] / np.linalg.norm(CENTERS[LABELS[0]])
    other = EMBEDDINGS[1]
    sizes = np.array([[1.0], [3.0], [50.0]])
    return {
        "on its centre": sizes * direction,
        "opposite": -sizes * direction,
        "identical": [other] * 3,
        "zero": np.zeros([3, DIM]),
        "huge": [1e30 * direction, -1e30 * direction, 1e30 * other],
        "small": [1e-20 * direction, -1e-20 * direction, 1e-22 * other],
        "tiny": [1e-32 * direction, -1e-38 * direction, 1e-36 * other],
        "one row": [other],
    }


@every_head
def test_extreme_embeddings_are_finite(name):
    head = built(name)
    for kind, embeddings in extreme_embeddings().items():
        embeddings = tf.constant(embeddings, tf.float32)
        labels = tf.fill([len(embeddings)], int(LABELS[0]))
        with tf.GradientTape() as tape:
            tape.watch(embeddings)
            cosines = head(embeddings, labels, training=True)
            losses = ops.softmax_loss(cosines, labels, 64.0)
        slopes = tape.gradient(losses, [embeddings, head.trainable_weights[0]])
        for tensor in (losses, *slopes, *state_of(head)):
            assert np.isfinite(tensor).all(), kind


@every_head
def test_class_centres_of_zero_are_finite(name):
    head = built(name)
    head.centers.assign(np.zeros([CLASSES, DIM]))
    embeddings, labels = tensors()
    with tf.GradientTape() as tape:
        cosines = head(embeddings, labels, training=True)
    assert np.isfinite(cosines).all()
    assert np.isfinite(tape.gradient(cosines, head.trainable_weights[0])).all()


@every_head
@pytest.mark.parametrize("half", ["float16", "bfloat16"])
def test_half_precision_stops_before_the_head(name, half, policy):
    embeddings, labels = tensors(half)
    head = built(name)
    expected = head(tf.cast(embeddings, tf.float32), labels, training=True)
    policy(f"mixed_{half}")
    head = built(name)
    cosines = head(embeddings, labels, training=True)
    assert cosines.dtype == "float32"
    assert head.trainable_weights[0].dtype == "float32"
    np.testing.assert_array_equal(cosines, expected)


@every_head
def test_config_holds_every_argument(name):
    head = built(name)
    config = json.loads(json.dumps(head.get_config()))
    parameters = inspect.signature(type(head).__init__).parameters
    own = set(parameters) - {"self", "kwargs"}
    assert own <= set(config)
    for argument in own - {"centers_initializer"}:
        assert getattr(head, argument) == config[argument]


@every_head
def test_numbers_of_numpy_become_those_of_json(name):
    head = built(name)
    types = {bool: np.bool_, int: np.int64, float: np.float32}
    parameters = {
        parameter
        for kind in (type(head), layers.MarginHead)
        for parameter in inspect.signature(kind.__init__).parameters
    }
    values = {
        argument: types[type(value)](value)
        for argument, value in head.get_config().items()
        if argument in parameters and type(value) in types
    }
    assert {"num_classes", "sample_rate", "sharded"} <= set(values)
    config = json.loads(json.dumps(type(head)(**values).get_config()))
    assert {name: config[name] for name in values} == pytest.approx(values)


@every_head
def test_config_brings_back_the_head(name):
    head = built(name)
    packed = json.loads(json.dumps(keras.layers.serialize(head)))
    twin = keras.layers.deserialize(packed)
    assert type(twin) is type(head)
    assert twin.get_config() == head.get_config()
    if not twin.built:
        twin.build((None, DIM))
    twin.set_weights(head.get_weights())
    np.testing.assert_array_equal(
        twin(*tensors(), training=True), head(*tensors(), training=True)
    )


@every_head
def test_a_saved_model_comes_back_with_weights_and_state(name, tmp_path):
    embeddings = keras.Input([DIM])
    labels = keras.Input([], dtype="int32")
    head = heads.make(name, CLASSES)
    model = keras.Model([embeddings, labels], head(embeddings, labels))
    head.centers.assign(CENTERS)
    model(tensors(), training=True)
    model.save(tmp_path / "model.keras")
    twin = keras.models.load_model(tmp_path / "model.keras")
    for new, old in zip(twin.weights, model.weights, strict=True):
        np.testing.assert_array_equal(new, old)
    np.testing.assert_array_equal(twin(tensors()), model(tensors()))


@every_head
def test_output_shape_is_known_before_the_call(name):
    head = heads.make(name, CLASSES)
    assert tuple(head.compute_output_shape((ROWS, DIM))) == (ROWS, CLASSES)


@every_head
def test_centers_are_the_first_weight(name):
    head = built(name)
    assert head.weights[0] is head.centers
    assert tuple(head.centers.shape) == (CLASSES, DIM)
    assert len(head.trainable_weights) == 1


def test_centers_take_an_initializer():
    head = layers.MarginHead(CLASSES, centers_initializer="ones")
    head.build((None, DIM))
    np.testing.assert_array_equal(head.centers, np.ones([CLASSES, DIM]))


def test_a_new_head_states_its_margin_alone():
    class Half(layers.MarginHead):
        def target_cosines(self, targets, norms):
            return 0.5 * targets

    head = Half(CLASSES)
    head.build((None, DIM))
    head.centers.assign(CENTERS)
    expected = oracle.cosines_of(EMBEDDINGS, CENTERS)
    expected[np.arange(ROWS), LABELS] *= 0.5
    np.testing.assert_allclose(head(*tensors()), expected, atol=1e-6)


@pytest.mark.parametrize("num_classes", [0, -1, 2.5, "5"])
def test_refuses_a_wrong_number_of_classes(num_classes):
    with pytest.raises(ValueError, match="Expected num_classes.*Received: num"):
        layers.MarginHead(num_classes)


@pytest.mark.parametrize("dtype", ["float16", "mixed_float16"])
def test_refuses_half_precision(dtype):
    with pytest.raises(ValueError, match="Expected dtype float32 or float64"):
        layers.MarginHead(CLASSES, dtype=dtype)


@pytest.mark.parametrize("shape", [(None, None), (None, 4, 4), (4,)])
def test_refuses_embeddings_of_another_shape(shape):
    with pytest.raises(ValueError, match="Expected embeddings of shape"):
        layers.MarginHead(CLASSES).build(shape)


@pytest.mark.parametrize(
    ("head", "arguments"),
    [
        (layers.CosFace, {"margin": -0.1}),
        (layers.ArcFace, {"margin": -0.1}),
        (layers.ArcFace, {"margin": 3.2}),
        (layers.CombinedMargin, {"m1": 0.0}),
        (layers.CombinedMargin, {"m2": -0.1}),
        (layers.CombinedMargin, {"m3": -0.1}),
        (layers.MagFace, {"lower_margin": -0.1}),
        (layers.MagFace, {"upper_margin": 0.4}),
        (layers.MagFace, {"lower_norm": 0.0}),
        (layers.MagFace, {"upper_norm": 10.0}),
        (layers.MagFace, {"regularization": -1.0}),
        (layers.AdaFace, {"margin": -0.1}),
        (layers.AdaFace, {"h": 0.0}),
        (layers.AdaFace, {"ema_rate": 0.0}),
        (layers.AdaFace, {"ema_rate": 1.1}),
        (layers.CurricularFace, {"margin": -0.1}),
        (layers.CurricularFace, {"ema_rate": 0.0}),
        (layers.ElasticFace, {"margin": -0.1}),
        (layers.ElasticFace, {"std": -0.1}),
        (layers.ElasticFace, {"kind": "magface"}),
        (layers.MVSoftmax, {"margin": -0.1}),
        (layers.MVSoftmax, {"weight": 0.9}),
        (layers.MVSoftmax, {"kind": "magface"}),
        (layers.X2Softmax, {"a": 0.0}),
        (layers.SphereFace, {"margin": 0.9}),
        (layers.SphereFace, {"anneal_start": -1.0}),
        (layers.SphereFace, {"anneal_rate": -1.0}),
        (layers.SphereFace, {"anneal_floor": -1.0}),
    ],
)
def test_refuses_arguments_out_of_range(head, arguments):
    with pytest.raises(ValueError, match="Expected .* Received: "):
        head(CLASSES, **arguments)
