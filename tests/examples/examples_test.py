"""The programs in `examples/`, called with less to train on."""

import importlib
import subprocess
import sys

import numpy as np
import pytest
import tensorflow as tf
from tensorflow import keras

from tests.cli.programs import ROOT
from unpg_tf.cli.main import PROGRAMS

EXAMPLES = sorted(path.name for path in (ROOT / "examples").glob("*.py"))
DOORS = [f"{name}.py" for name in PROGRAMS if "-" not in name]


@pytest.fixture(autouse=True)
def _importable(monkeypatch):
    monkeypatch.syspath_prepend(str(ROOT / "examples"))


def module_of(name):
    """An example as a module; not `export`, say, of another folder."""
    spec = importlib.util.spec_from_file_location(
        f"example_{name}", ROOT / "examples" / f"{name}.py"
    )
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("name", EXAMPLES)
def test_an_example_is_short_enough_to_copy(name):
    assert len((ROOT / "examples" / name).read_text().splitlines()) <= 120


@pytest.mark.parametrize("name", DOORS)
def test_a_door_is_the_program_and_needs_no_tensorflow_for_help(name):
    program = f"import runpy, sys; sys.argv = [{name!r}, '--help']\n"
    program += "try: runpy.run_path(sys.argv[0], run_name='__main__')\n"
    program += "finally: print('tensorflow' in sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=ROOT / "examples",
        env={"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
    )
    lines = done.stdout.splitlines()
    assert lines[0].startswith(f"unpg {name.removesuffix('.py')}: ")
    assert lines[-1] == "False"


def test_fit_reports_a_verification():
    report = module_of("fit").main(identities=8, epochs=2)
    assert 0 <= report["auc"] <= 1 and report["pairs"]["total"] == 400


def test_a_functional_model_gives_embeddings():
    embeddings = module_of("functional_model").main(identities=8, epochs=1)
    assert embeddings.shape == (2, 64) and np.isfinite(embeddings).all()


def test_a_custom_head_trains_and_is_saved(tmp_path):
    module = module_of("custom_head")
    model = module.main(identities=8, epochs=1)
    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    assert loaded.head.margin == 0.4
    np.testing.assert_array_equal(loaded.head.centers, model.head.centers)
    # A target at 60 degrees; the margin is in the angle.
    head = module.LinearFace(3, margin=0.4)
    expected = 1 - 2 * (np.pi / 3 + 0.4) / np.pi
    found = head.target_cosines(np.float32([0.5]), None)
    np.testing.assert_allclose(found, [expected], rtol=1e-5)


def test_a_custom_loop_is_the_same_on_two_devices(monkeypatch, strategy_of):
    # One of many strategies of this process.
    monkeypatch.setattr(
        tf.distribute, "MirroredStrategy", lambda names: strategy_of(len(names))
    )
    main = module_of("custom_loop").main
    # The second loss is of what the first step has made; later ones add up
    # what rounding has left.
    one = main(identities=8, steps=2, devices=["CPU:0"])
    keras.utils.set_random_seed(1)
    two = main(identities=8, steps=2, devices=["CPU:0", "CPU:1"])
    np.testing.assert_allclose(two, one, rtol=1e-3)


def test_fine_tuning_trains_head_and_backbone():
    backbone = module_of("fine_tuning").main(identities=8, epochs=1)
    trainable = {layer.name for layer in backbone.layers if layer.trainable}
    frozen = {layer.name for layer in backbone.layers} - trainable
    assert trainable and frozen
    for layer in backbone.layers:
        is_normalisation = isinstance(layer, keras.layers.BatchNormalization)
        assert layer.trainable != is_normalisation
