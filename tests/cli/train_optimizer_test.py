"""The optimizer, learning rate and starting point of `unpg train`."""

import numpy as np
import pytest
import tensorflow as tf
from tensorflow import keras

from tests.cli.given import given
from unpg_tf import backbones
from unpg_tf import compat
from unpg_tf.cli.train import model as train_model
from unpg_tf.cli.train import optimizer as train_optimizer
from unpg_tf.cli.train.flags import FLAGS
from unpg_tf.optimizers import WarmUp

STEPS = 10
TINY = {"image_size": 32, "embedding_dim": 8, "epochs": 6, "learning_rate": 0.4}


@pytest.fixture
def flags_of():
    """A function that sets flags until the test ends."""
    savers = []

    def flags_of(**values):
        saver = given(FLAGS, **{**TINY, **values})
        saver.__enter__()
        savers.append(saver)

    yield flags_of
    for saver in reversed(savers):
        saver.__exit__(None, None, None)


@pytest.mark.parametrize("warmup", [0.0, 2.0])
@pytest.mark.parametrize(
    ("name", "falling"),
    [
        ("cosine", lambda part, epoch: (1 + np.cos(np.pi * part)) / 2),
        ("polynomial", lambda part, epoch: (1 - part) ** 2),
        ("step", lambda part, epoch: 0.1 ** sum(epoch > e for e in (3, 5))),
        ("constant", lambda part, epoch: 1.0),
    ],
)
def test_the_learning_rate_rises_and_falls(flags_of, name, falling, warmup):
    flags_of(schedule=name, warmup_epochs=warmup, step_epochs=["3", "5"])
    schedule = train_optimizer.learning_rate(STEPS)
    rises = int(warmup * STEPS)
    steps = np.arange(0, 60)
    expected = [
        0.4 * i / rises
        if i < rises
        else 0.4 * falling((i - rises) / (60 - rises), i / STEPS)
        for i in steps
    ]
    found = [float(schedule(np.int64(i))) for i in steps]
    np.testing.assert_allclose(found, expected, atol=1e-6)


def test_a_warm_up_survives_its_config():
    falling = keras.optimizers.schedules.PolynomialDecay(0.1, 9, 0.0)
    optimizer = keras.optimizers.SGD(WarmUp(falling, 3))
    twin = keras.optimizers.SGD.from_config(optimizer.get_config())
    rates = [float(WarmUp(falling, 3)(i)) for i in range(9)]
    restored = keras.utils.deserialize_keras_object(
        keras.utils.serialize_keras_object(WarmUp(falling, 3))
    )
    np.testing.assert_allclose([float(restored(i)) for i in range(9)], rates)
    assert isinstance(twin, keras.optimizers.SGD)


def test_a_model_starts_from_another_with_layers_frozen(flags_of, tmp_path):
    flags_of()
    source = train_model.compiled_model(5, STEPS)
    source.save(tmp_path / "model.keras")
    flags_of(init_from=str(tmp_path / "model.keras"), freeze="conv2d.*")
    model = train_model.compiled_model(3, STEPS)
    expected = source.backbone.get_weights()
    for here, there in zip(model.backbone.get_weights(), expected, strict=True):
        np.testing.assert_array_equal(here, there)
    frozen = {x.name for x in model.backbone.layers if not x.trainable}
    names = {x.name for x in model.backbone.layers}
    assert frozen == {name for name in names if name.startswith("conv2d")}
    assert frozen


def test_biases_and_normalisation_decay_only_if_asked(flags_of):
    def decayed(**values):
        flags_of(learning_rate=1.0, weight_decay=0.5, **values)
        optimizer = train_optimizer.optimizer(STEPS, {})
        layer = keras.layers.Dense(1, bias_initializer="ones")
        layer.build((None, 1))
        layer.set_weights([np.ones([1, 1]), np.ones([1])])
        optimizer.build(layer.trainable_variables)
        zeros = [0.0 * weight for weight in layer.trainable_variables]
        optimizer.apply_gradients(
            zip(zeros, layer.trainable_variables, strict=True)
        )
        return [float(np.squeeze(w)) for w in layer.get_weights()]

    values = {"warmup_epochs": 0.0, "schedule": "constant"}
    assert decayed(**values) == [0.5, 1.0]
    assert decayed(decay_all=True, **values) == [0.5, 0.5]


def moves(steps=1):
    """How far steps of a slope of 1 move weights of backbone and head."""
    model = train_model.compiled_model(5, STEPS)
    model.set_weights([np.ones(w.shape) for w in model.get_weights()])
    slopes = [tf.ones(w.shape) for w in model.trainable_variables]
    for _ in range(steps):
        model.optimizer.apply_gradients(
            zip(slopes, model.trainable_variables, strict=True)
        )
    kernel = model.backbone.get_layer("embeddings").get_weights()[0]
    parts = kernel, model.head.centers
    return [float(1 - np.array(part).flat[0]) for part in parts]


@pytest.mark.parametrize("name", ["sgd", "adamw"])
def test_the_head_has_a_learning_rate_of_its_own(flags_of, name):
    values = {
        "optimizer": name,
        "backbone": "MobileNet",
        "schedule": "constant",
        "warmup_epochs": 0.0,
        "weight_decay": 0.0,
    }
    # Adam's first step is one of the learning rate, too.
    flags_of(**values)
    np.testing.assert_allclose(moves(), [0.4, 0.4], rtol=1e-5)
    flags_of(head_learning_rate=0.1, **values)
    np.testing.assert_allclose(moves(), [0.4, 0.1], rtol=1e-5)


def test_weights_decay_as_asked(flags_of):
    values = {
        "backbone": "MobileNet",
        "schedule": "constant",
        "warmup_epochs": 0.0,
        "weight_decay": 0.5,
        "head_learning_rate": 0.2,
    }
    expected = [rate * (1 + 0.5) for rate in (0.4, 0.2)]
    for decay in ("decoupled", "l2"):
        # The momentum, in which they differ, is to come.
        flags_of(decay=decay, **values)
        np.testing.assert_allclose(moves(), expected, rtol=1e-5)
        optimizer = train_optimizer.optimizer(STEPS, {})
        assert optimizer.decoupled == (decay == "decoupled")


def test_blocks_are_recomputed_if_asked(flags_of):
    flags_of(backbone="iresnet18", gradient_checkpointing=True)
    model = train_model.compiled_model(5, STEPS)
    kinds = [type(layer) for layer in model.backbone.layers]
    assert kinds.count(backbones.Recomputed) == 8


def test_keras_own_options_reach_the_optimizer(flags_of):
    own = {"gradient_accumulation_steps": 3} if compat.IS_KERAS_3 else {}
    flags_of(ema_momentum=0.9, global_clipnorm=2.0, **own)
    config = train_optimizer.optimizer(STEPS, {"momentum": 0.7}).get_config()
    expected = {"use_ema": True, "ema_momentum": 0.9, "global_clipnorm": 2.0}
    expected |= {"momentum": 0.7, **own}
    assert expected.items() <= config.items()


def test_a_schedule_lasts_all_epochs_also_with_accumulated_steps(flags_of):
    own = {"gradient_accumulation_steps": 3} if compat.IS_KERAS_3 else {}
    flags_of(schedule="polynomial", warmup_epochs=0.0, **own)
    optimizer = train_optimizer.optimizer(STEPS, {})
    layer = keras.layers.Dense(1)
    layer.build((None, 1))
    variables = layer.trainable_variables
    optimizer.build(variables)
    zeros = [tf.zeros(variable.shape) for variable in variables]
    for _ in range(STEPS * TINY["epochs"] // 2):
        optimizer.apply_gradients(zip(zeros, variables, strict=True))
    # Half of the way; Keras 2 tells the rate of the last step.
    rate = compat.learning_rate(optimizer)
    assert rate == pytest.approx(0.4 * 0.5**2, rel=0.1)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"optimizer_option": ["moment=1"]}, "Expected arguments of --optim"),
        ({"schedule": "step"}, "Expected ascending numbers .*step_epochs="),
        (
            {"gradient_checkpointing": True},
            "Expected a backbone that takes .*Received: --backbone=small",
        ),
        (
            {"learning_rate": 0.0, "head_learning_rate": 0.1},
            "Expected --optimizer=sgd or adamw and a --learning_rate above 0",
        ),
        ({"freeze": "nothing"}, "Expected a name .*Received: --freeze=nothing"),
    ],
)
def test_an_error_names_the_flag(flags_of, values, message):
    flags_of(**values)
    with pytest.raises(ValueError, match=message):
        train_model.compiled_model(5, STEPS)


ALONE = {"global_clipnorm": 1.0, "gradient_accumulation_steps": 2}


@pytest.mark.parametrize("flag", ALONE)
def test_what_a_generation_of_keras_lacks_is_said(flags_of, flag):
    flags_of(strategy="mirrored", **{flag: ALONE[flag]})
    message = f"Expected --strategy=none with --{flag}"
    if not compat.IS_KERAS_3:
        if flag == "global_clipnorm":
            return
        message = f"Expected Keras 3 for --{flag}"
    with pytest.raises(ValueError, match=message):
        train_model.compiled_model(5, STEPS)
