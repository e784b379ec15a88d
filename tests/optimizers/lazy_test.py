"""Tests of lazy optimizers against Keras's own."""

import numpy as np
import pytest
import tensorflow as tf
from tensorflow import keras

from unpg_tf import optimizers

ROWS, DIM, STEPS = 6, 3, 4
RNG = np.random.default_rng(0)
START = RNG.normal(size=[ROWS, DIM]).astype("float32")
SLOPES = RNG.normal(size=[STEPS, ROWS, DIM]).astype("float32")
PAIRS = {
    "sgd": (optimizers.LazySGD, keras.optimizers.SGD, {}),
    "momentum": (
        optimizers.LazySGD,
        keras.optimizers.SGD,
        {"momentum": 0.9, "weight_decay": 0.1},
    ),
    "nesterov": (
        optimizers.LazySGD,
        keras.optimizers.SGD,
        {"momentum": 0.9, "nesterov": True},
    ),
    "adamw": (optimizers.LazyAdamW, keras.optimizers.AdamW, {}),
    "adamw_decay": (
        optimizers.LazyAdamW,
        keras.optimizers.AdamW,
        {"weight_decay": 0.3, "beta_1": 0.8},
    ),
}


def embedding():
    layer = keras.layers.Embedding(ROWS, DIM)
    layer.build((None,))
    variable = layer.trainable_weights[0]
    variable.assign(START)
    return variable


def trained(optimizer, gradients):
    variable = embedding()
    for gradient in gradients:
        optimizer.apply_gradients([(gradient, variable)])
    return np.array(variable)


def rows_of(slopes, rows):
    return tf.IndexedSlices(
        tf.gather(slopes, rows), tf.constant(rows), tf.constant([ROWS, DIM])
    )


@pytest.mark.parametrize("name", PAIRS)
@pytest.mark.parametrize("sparse", [False, True])
def test_with_every_row_it_is_the_optimizer_of_keras(name, sparse):
    lazy, dense, kwargs = PAIRS[name]
    order = [4, 0, 5, 2, 1, 3]
    gradients = [
        rows_of(slopes, order) if sparse else tf.constant(slopes)
        for slopes in SLOPES
    ]
    expected = trained(dense(0.1, **kwargs), map(tf.constant, SLOPES))
    found = trained(lazy(0.1, **kwargs), gradients)
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("name", PAIRS)
def test_other_rows_their_state_and_decay_rest(name):
    lazy, dense, kwargs = PAIRS[name]
    optimizer = lazy(0.1, **kwargs)
    gradients = [rows_of(slopes, [1, 4]) for slopes in SLOPES]
    found = trained(optimizer, gradients)
    resting = [0, 2, 3, 5]
    np.testing.assert_array_equal(found[resting], START[resting])
    expected = trained(dense(0.1, **kwargs), map(tf.constant, SLOPES))
    np.testing.assert_allclose(found[[1, 4]], expected[[1, 4]], rtol=1e-5)
    for table in map(np.array, state_of(optimizer)):
        assert not table[resting].any()
        # Keras 2 keeps a table for the momentum that is 0, too.
        assert table[[1, 4]].all() or name == "sgd"


def state_of(optimizer):
    variables = optimizer.variables
    variables = variables() if callable(variables) else variables
    return [v for v in variables if tuple(v.shape) == (ROWS, DIM)]


def test_momentum_waits_for_its_row():
    optimizer = optimizers.LazySGD(0.1, momentum=0.9)
    gradients = [
        rows_of(SLOPES[0], [1]),
        rows_of(SLOPES[1], [4]),
        rows_of(SLOPES[2], [1]),
    ]
    found = trained(optimizer, gradients)
    velocity = -0.1 * SLOPES[0, 1]
    expected = START[1] + velocity
    velocity = 0.9 * velocity - 0.1 * SLOPES[2, 1]
    np.testing.assert_allclose(found[1], expected + velocity, rtol=1e-5)


@pytest.mark.parametrize("name", PAIRS)
@pytest.mark.parametrize("jit_compile", [False, True])
def test_rows_named_twice_move_by_the_sum(name, jit_compile):
    lazy, _, kwargs = PAIRS[name]
    twice = rows_of(SLOPES[0], [2, 5, 2, 2])
    total = tf.constant([3 * SLOPES[0, 2], SLOPES[0, 5]])
    once = tf.IndexedSlices(total, tf.constant([2, 5]), twice.dense_shape)
    expected = trained(lazy(0.1, **kwargs), [once])
    variable = embedding()
    optimizer = lazy(0.1, **kwargs)
    optimizer.build([variable])

    @tf.function(jit_compile=jit_compile)
    def step(gradient):
        optimizer.apply_gradients([(gradient, variable)])

    step(twice)
    np.testing.assert_allclose(np.array(variable), expected, rtol=1e-5)


@pytest.mark.parametrize("replicas", [1, 2])
@pytest.mark.parametrize("decoupled", [False, True])
def test_a_row_makes_up_for_the_decay_that_it_missed(
    strategy_of, decoupled, replicas
):
    drawn = [[1], [4, 0], [1, 4], list(range(ROWS))]
    strategy = strategy_of(replicas)
    with strategy.scope():
        variable = embedding()
        optimizer = optimizers.LazySGD(
            0.1, weight_decay=0.3, decoupled=decoupled
        )
        optimizer.build([variable])

    @tf.function
    def step(slopes, rows):
        with tf.GradientTape() as tape:
            loss = tf.reduce_sum(slopes * tf.gather(variable, rows))
        gradient = tape.gradient(loss, variable)
        optimizer.apply_gradients([(gradient, variable)])

    expected, ages = START.copy(), np.zeros([ROWS, 1])
    for slopes, rows in zip(SLOPES, drawn, strict=True):
        inputs = tf.constant(slopes[rows] / replicas), tf.constant(rows)
        strategy.run(step, inputs)
        ages += 1
        kept = 0.97**ages if decoupled else 1 - 0.03 * ages
        expected[rows] *= kept[rows]
        expected[rows] -= 0.1 * slopes[rows]
        ages[rows] = 0
    np.testing.assert_allclose(np.array(variable), expected, rtol=1e-5)


@pytest.mark.parametrize(
    ("name", "steepness"), [("sgd", 1.0), ("adamw_decay", 0.0)]
)
def test_missed_decay_is_that_of_every_step(name, steepness):
    lazy, dense, _ = PAIRS[name]
    drawn = [[1], [4, 0], [1, 4], list(range(ROWS))]
    gradients = [
        rows_of(steepness * slopes, rows)
        for slopes, rows in zip(SLOPES, drawn, strict=True)
    ]
    # Amid rows a whole gradient, by which every row has decayed.
    gradients.insert(2, tf.constant(steepness * SLOPES[0]))
    found = trained(lazy(0.1, weight_decay=0.3), gradients)
    gradients = map(tf.convert_to_tensor, gradients)
    expected = trained(dense(0.1, weight_decay=0.3), gradients)
    np.testing.assert_allclose(found, expected, rtol=1e-5)


def test_l2_decay_of_many_missed_steps_is_the_whole_row_at_most():
    optimizer = optimizers.LazySGD(0.1, weight_decay=4.0, decoupled=False)
    gradients = [rows_of(slopes, [1]) for slopes in SLOPES]
    found = trained(optimizer, [*gradients, rows_of(SLOPES[0], [3])])
    np.testing.assert_allclose(found[3], -0.1 * SLOPES[0, 3], atol=1e-6)


@pytest.mark.parametrize("sparse", [False, True])
def test_l2_decay_of_one_step_is_never_cut_short(sparse):
    optimizer = optimizers.LazySGD(0.1, weight_decay=30.0, decoupled=False)
    slopes = rows_of(SLOPES[0], list(range(ROWS)))
    slopes = slopes if sparse else tf.convert_to_tensor(slopes)
    expected = START - 0.1 * (SLOPES[0] + 30 * START)
    found = trained(optimizer, [slopes])
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-6)


def test_what_is_excluded_from_decay_does_not_decay():
    optimizer = optimizers.LazySGD(0.1, weight_decay=0.5)
    optimizer.exclude_from_weight_decay(var_names=["embedding"])
    found = trained(optimizer, [rows_of(SLOPES[0], [1])])
    np.testing.assert_allclose(
        found[1], START[1] - 0.1 * SLOPES[0, 1], rtol=1e-5
    )


@pytest.mark.parametrize("sparse", [False, True])
def test_l2_decay_goes_through_the_momentum(sparse):
    optimizer = optimizers.LazySGD(
        0.1, momentum=0.9, weight_decay=0.5, decoupled=False
    )
    every = list(range(ROWS))
    gradients = [
        rows_of(s, every) if sparse else tf.constant(s) for s in SLOPES
    ]
    found = trained(optimizer, gradients)
    expected, velocity = START.copy(), np.zeros_like(START)
    for slopes in SLOPES:
        velocity = 0.9 * velocity + slopes + 0.5 * expected
        expected = expected - 0.1 * velocity
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-6)
    config = keras.optimizers.serialize(optimizer)
    assert keras.optimizers.deserialize(config).decoupled is False


@pytest.mark.parametrize("name", PAIRS)
@pytest.mark.parametrize("sparse", [False, True])
@pytest.mark.parametrize("replicas", [1, 2])
def test_some_variables_learn_at_another_rate(
    strategy_of, name, sparse, replicas
):
    lazy, dense, kwargs = PAIRS[name]
    # Half of each gradient on each of two replicas.
    slopes = [s / replicas for s in SLOPES]
    order = list(range(ROWS))
    strategy = strategy_of(replicas)
    with strategy.scope():
        variables = [embedding(), embedding()]
        optimizer = lazy(0.1, **kwargs)
        optimizer.scale_learning_rate(3.0, variables[1:])
        optimizer.build(variables)

    @tf.function
    def step(slopes):
        with tf.GradientTape() as tape:
            values = [
                tf.gather(v, order) if sparse else tf.convert_to_tensor(v)
                for v in variables
            ]
            loss = tf.add_n([tf.reduce_sum(v * slopes) for v in values])
        gradients = tape.gradient(loss, variables)
        assert isinstance(gradients[0], tf.IndexedSlices) == sparse
        optimizer.apply_gradients(zip(gradients, variables, strict=True))

    for values in slopes:
        strategy.run(step, [tf.constant(values)])
    for variable, rate in zip(variables, [0.1, 0.3], strict=True):
        expected = trained(dense(rate, **kwargs), map(tf.constant, SLOPES))
        np.testing.assert_allclose(
            np.array(variable), expected, rtol=1e-5, atol=1e-6
        )


@pytest.mark.parametrize("name", PAIRS)
def test_configs_come_back(name):
    lazy, _, kwargs = PAIRS[name]
    optimizer = keras.optimizers.deserialize(
        keras.optimizers.serialize(lazy(0.1, **kwargs))
    )
    assert type(optimizer) is lazy
    for key, value in kwargs.items():
        assert getattr(optimizer, key) == value


def test_amsgrad_is_refused():
    with pytest.raises(ValueError, match="Expected no amsgrad"):
        optimizers.LazyAdamW(amsgrad=True)
