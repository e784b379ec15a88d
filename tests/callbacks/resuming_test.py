"""`resumable_fit`: interrupted runs end as those that weren't."""

import csv
import gc
import os
import signal
import threading

import numpy as np
import pytest
import tensorflow as tf
from tensorflow import keras

from unpg_tf import compat
from unpg_tf.callbacks import Checkpoints
from unpg_tf.callbacks import CSVLog
from unpg_tf.callbacks import FiniteGradients
from unpg_tf.callbacks import last_checkpoint
from unpg_tf.callbacks import resumable_fit
from unpg_tf.callbacks.signals import Signals

EPOCHS, STEPS, BATCH = 3, 4, 6
RNG = np.random.default_rng(0)
IMAGES = RNG.normal(size=[EPOCHS, STEPS, BATCH, 5]).astype("float32")
LABELS = RNG.integers(0, 3, [EPOCHS, STEPS, BATCH]).astype("int32")


def batches(epoch, step):
    """Those of each epoch are others."""
    images, labels = (
        array.reshape([-1, *array.shape[2:]])[epoch * STEPS + step :]
        for array in (IMAGES, LABELS)
    )
    return tf.data.Dataset.from_tensor_slices((images, labels))


def one_epoch():
    return tf.data.Dataset.from_tensor_slices((IMAGES[0], LABELS[0]))


def compiled(strategy):
    """With momentum, an average of the weights, dropout and a metric."""
    keras.utils.set_random_seed(5)
    if not compat.IS_KERAS_3:
        keras.backend.experimental.enable_tf_random_generator()
    with strategy.scope():
        model = keras.Sequential(
            [
                keras.Input([5]),
                keras.layers.Dense(8, "relu"),
                keras.layers.Dropout(0.5),
                keras.layers.Dense(3, "softmax"),
            ]
        )
        optimizer = keras.optimizers.SGD(0.1, 0.9, use_ema=True)
        loss = "sparse_categorical_crossentropy"
        # XLA would take longer to compile than all steps take.
        model.compile(optimizer, loss, metrics=["accuracy"], jit_compile=False)
    return model


class Seen(keras.callbacks.Callback):
    """Notes what callbacks are told, and does something at a step."""

    def __init__(self, at=None, action=None):
        super().__init__()
        self.at, self.action = at, action
        self.begun, self.ended, self.steps = 0, 0, []

    def on_train_begin(self, logs=None):
        self.begun += 1

    def on_train_end(self, logs=None):
        self.ended += 1

    def on_epoch_begin(self, epoch, logs=None):
        self.epoch = epoch

    def on_train_batch_end(self, batch, logs=None):
        self.steps.append((self.epoch, batch))
        if self.at == self.steps[-1]:
            self.action(self.model)


def train(folder, model, *callbacks, data=batches, **options):
    options = {"save_freq": 1, **options}
    checkpoints = Checkpoints(folder / "checkpoints", **options)
    return resumable_fit(
        model,
        data,
        epochs=EPOCHS,
        steps_per_epoch=STEPS,
        # The checkpoint of an epoch comes after its row all the same.
        callbacks=[checkpoints, *callbacks, CSVLog(folder / "log.csv")],
        verbose=0,
    )


def read_log(folder):
    with (folder / "log.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    return [
        {k: float(v) for k, v in row.items() if k != "seconds"} for row in rows
    ]


@pytest.fixture
def precision():
    """A function that sets the precision of layers until the test ends."""
    yield keras.mixed_precision.set_global_policy
    keras.mixed_precision.set_global_policy("float32")


def assert_same_weights(model, expected):
    pairs = zip(model.get_weights(), expected.get_weights(), strict=True)
    for found, weight in pairs:
        np.testing.assert_allclose(found, weight, rtol=1e-5)


def crash(_):
    raise KeyError("a crash")


@pytest.mark.parametrize(
    ("replicas", "at", "data", "policy"),
    [
        (1, (0, 1), batches, "float32"),
        (1, (1, 2), one_epoch(), "float32"),
        (1, (2, 0), batches, "mixed_float16"),
        (2, (1, 2), batches, "float32"),
    ],
)
def test_a_crashed_run_ends_as_if_it_had_not(
    strategy_of, tmp_path, replicas, at, data, policy, precision
):
    precision(policy)
    strategy = strategy_of(replicas)
    expected = compiled(strategy)
    train(tmp_path / "whole", expected, data=data)
    folder = tmp_path / "crashed"
    with pytest.raises(KeyError):
        callbacks = FiniteGradients(), Seen(at, crash)
        train(folder, compiled(strategy), *callbacks, data=data)
    model, seen = compiled(strategy), Seen()
    history = train(folder, model, FiniteGradients(), seen, data=data)
    # The step of the crash had not been saved.
    first = at[0] * STEPS + at[1]
    assert seen.steps == [
        divmod(i, STEPS) for i in range(first, EPOCHS * STEPS)
    ]
    assert (seen.begun, seen.ended) == (1, 1)
    assert_same_weights(model, expected)
    rows, wanted = read_log(folder), read_log(tmp_path / "whole")
    assert [row["epoch"] for row in rows] == [1, 2, 3]
    for row, expected_row in zip(rows, wanted, strict=True):
        assert row == pytest.approx(expected_row, rel=1e-5)
    assert history.history["loss"] == pytest.approx(
        [row["loss"] for row in wanted[at[0] :]], rel=1e-5
    )


def test_what_is_printed_counts_as_if_nothing_had_happened(
    strategy_of, tmp_path, capsys
):
    with pytest.raises(KeyError):
        train(tmp_path, compiled(strategy_of(1)), Seen((1, 2), crash))
    checkpoints = Checkpoints(tmp_path / "checkpoints")
    resumable_fit(
        compiled(strategy_of(1)),
        batches,
        epochs=EPOCHS,
        steps_per_epoch=STEPS,
        callbacks=[checkpoints],
        verbose=2,
    )
    printed = capsys.readouterr().out
    assert "ckpt-6: going on after 1 epochs and 2 steps\n" in printed
    assert [line for line in printed.splitlines() if "Epoch" in line] == [
        "Epoch 2/3",
        "Epoch 3/3",
    ]
    assert printed.count("4/4 - ") == 2


@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)]
)
def test_a_signal_saves_and_ends_the_program(
    strategy_of, tmp_path, capsys, number, code
):
    before = signal.getsignal(number)
    kill = Seen((1, 1), lambda _: os.kill(os.getpid(), number))
    with pytest.raises(SystemExit) as end:
        train(tmp_path, compiled(strategy_of(1)), kill, save_freq="epoch")
    assert end.value.code == code
    assert signal.getsignal(number) is before
    told = capsys.readouterr().err
    assert f"{signal.Signals(number).name}: saved" in told
    _, saved = last_checkpoint(tmp_path / "checkpoints")
    assert (saved["position"]["epoch"], saved["position"]["step"]) == (1, 2)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_all_workers_learn_which_signal_came(strategy_of, number):
    """Two replicas of one stand for them."""
    with Signals(strategy_of(2)) as signals:
        signals._is_shared = True
        assert {signals.received() for _ in range(10)} == {0}
        os.kill(os.getpid(), number)
        found = [signals.received() for _ in range(10)]
    assert found == [0] * 9 + [number]


@pytest.fixture
def interrupts():
    """Ctrl-C interrupts, also in the background, where shells ignore it.

    Within a callback of gc, as hypothesis has one, an interrupt would be lost.
    """
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    gc.disable()
    yield
    gc.enable()
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("interrupts")
def test_a_second_signal_has_its_usual_effect(strategy_of, tmp_path):
    def interrupt(_):
        os.kill(os.getpid(), signal.SIGINT)
        os.kill(os.getpid(), signal.SIGINT)

    with pytest.raises(KeyboardInterrupt):
        train(tmp_path, compiled(strategy_of(1)), Seen((0, 1), interrupt))
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


@pytest.mark.usefixtures("interrupts")
def test_signals_are_left_alone_if_asked(strategy_of, tmp_path):
    """As in a notebook, whose cell Ctrl-C ends."""
    interrupt = Seen((0, 1), lambda _: os.kill(os.getpid(), signal.SIGINT))
    with pytest.raises(KeyboardInterrupt):
        train(
            tmp_path, compiled(strategy_of(1)), interrupt, handle_signals=False
        )
    path, _ = last_checkpoint(tmp_path / "checkpoints")
    assert path.endswith("ckpt-1")


def test_a_thread_trains_without_signals(strategy_of, tmp_path):
    model, told = compiled(strategy_of(1)), []

    def run():
        try:
            train(tmp_path, model)
        except ValueError as error:
            told.append(str(error))
        train(tmp_path, model, handle_signals=False)

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    assert told[0].startswith("Expected handle_signals=False outside of the")
    assert len(read_log(tmp_path)) == EPOCHS


def test_a_run_that_is_stopped_in_a_resumed_epoch_ends(strategy_of, tmp_path):
    with pytest.raises(KeyError):
        train(tmp_path, compiled(strategy_of(1)), Seen((1, 2), crash))
    stop = Seen((1, 3), lambda model: setattr(model, "stop_training", True))
    history = train(tmp_path, compiled(strategy_of(1)), stop)
    assert stop.steps[-1] == (1, 3) and stop.ended == 1
    assert len(history.history["loss"]) == 1


def test_a_finished_run_is_left_and_can_be_prolonged(strategy_of, tmp_path):
    model = compiled(strategy_of(1))
    train(tmp_path, model)
    again, seen = compiled(strategy_of(1)), Seen()
    train(tmp_path, again, seen)
    assert seen.steps == []
    # Also the averages of the weights, which the checkpoint's aren't.
    assert_same_weights(again, model)
    checkpoints = Checkpoints(tmp_path / "checkpoints")
    resumable_fit(
        again, one_epoch(), epochs=4, callbacks=[checkpoints, seen], verbose=0
    )
    assert seen.steps == [(3, step) for step in range(STEPS)]


def test_validation_and_old_checkpoints_go_with_it(strategy_of, tmp_path):
    model = compiled(strategy_of(1))
    history = resumable_fit(
        model,
        one_epoch(),
        epochs=2,
        callbacks=[Checkpoints(tmp_path, max_to_keep=1)],
        validation_data=one_epoch(),
        verbose=0,
    )
    assert len(history.history["val_loss"]) == 2
    assert [path.stem for path in tmp_path.glob("*.index")] == ["ckpt-8"]
    assert [path.stem for path in tmp_path.glob("ckpt*.json")] == ["ckpt-8"]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"settings": {"batch_size": 8}}, "Expected batch_size=6, as in"),
        ({"steps_per_epoch": 3}, "Expected steps_per_epoch=4, as in the run"),
        ({"units": 4}, "Expected the data, model and optimizer of the run"),
    ],
)
def test_another_run_is_refused(strategy_of, tmp_path, change, message):
    folder = tmp_path / "checkpoints"
    settings = {"batch_size": BATCH}
    train(tmp_path, compiled(strategy_of(1)), settings=settings)
    model = compiled(strategy_of(1))
    if "units" in change:
        model = keras.Sequential([keras.Input([5]), keras.layers.Dense(4)])
        model.compile("sgd", "mse")
    checkpoints = Checkpoints(folder, settings=change.get("settings", settings))
    with pytest.raises(ValueError, match=message):
        resumable_fit(
            model,
            batches,
            epochs=EPOCHS,
            steps_per_epoch=change.get("steps_per_epoch", STEPS),
            callbacks=[checkpoints],
        )


def test_what_it_needs_is_named(strategy_of, tmp_path):
    model = compiled(strategy_of(1))
    one = [Checkpoints(tmp_path)]
    with pytest.raises(ValueError, match="Expected one Checkpoints in callb"):
        resumable_fit(model, one_epoch())
    with pytest.raises(ValueError, match="Expected steps_per_epoch, an int"):
        resumable_fit(model, batches, callbacks=one)
    with pytest.raises(ValueError, match="all 16 batches to the end of the"):
        resumable_fit(
            model, batches, epochs=4, steps_per_epoch=STEPS, callbacks=one
        )
    with pytest.raises(ValueError, match="Expected resumable_fit with the"):
        model.fit(one_epoch(), callbacks=one)
    with pytest.raises(ValueError, match="a model that is compiled and built"):
        unbuilt = keras.Sequential([keras.layers.Dense(3)])
        unbuilt.compile("sgd", "mse")
        resumable_fit(unbuilt, one_epoch(), callbacks=one)
    with pytest.raises(ValueError, match="save_freq above 0"):
        Checkpoints(tmp_path, save_freq=0)
