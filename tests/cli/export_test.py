"""`unpg export` as a program."""

import functools
import json
import signal
import time

import numpy as np
import pytest
import tensorflow as tf
from tensorflow import keras

from tests.cli import programs
from unpg_tf.layers import CosFace
from unpg_tf.models import EmbeddingModel

run = functools.partial(programs.run, "export")
SIZE = 16


@pytest.fixture(scope="module")
def model_file(tmp_path_factory):
    backbone = keras.Sequential(
        [
            keras.Input((SIZE, SIZE, 3)),
            keras.layers.Flatten(),
            keras.layers.Dense(7),
        ]
    )
    path = tmp_path_factory.mktemp("model") / "model.keras"
    EmbeddingModel(backbone, CosFace(3)).save(path)
    return path


def test_exports_with_the_settings_of_a_report(model_file, tmp_path):
    report, output = tmp_path / "report.json", tmp_path / "faces" / "1"
    report.write_text(json.dumps({"threshold": 0.25, "flip": True}))
    done = run(model=model_file, threshold_from=report, output=output)
    assert done.returncode == 0, done.stderr
    assert "threshold 0.2500, flip test yes" in done.stdout
    for name in ("serving_default", "encoded_images", "verify", "[?, 7]"):
        assert name in done.stdout
    machine, model, *_, files = done.stdout.splitlines()
    assert machine.startswith("TensorFlow ")
    assert model.startswith(f"{model_file}: backbone ")
    assert files.startswith(f"Written: {output}/, ")
    assert done.stderr == ""
    card = json.loads((output / "assets.extra/model_card.json").read_text())
    assert card["evaluation"] == {"threshold": 0.25, "flip": True}
    assert card["head"]["class"] == "CosFace"
    loaded = tf.saved_model.load(str(output))
    assert loaded.threshold.numpy() == 0.25
    images = np.random.default_rng(1).integers(0, 256, (2, SIZE, SIZE, 3))
    model = keras.models.load_model(model_file, compile=False)
    expected = model.predict(images.astype("float32"), verbose=0)
    expected += model.predict(images[:, :, ::-1].astype("float32"), verbose=0)
    expected /= np.linalg.norm(expected, axis=1, keepdims=True)
    signature = loaded.signatures["serving_default"]
    got = signature(images=tf.constant(images, tf.uint8))["embedding"]
    np.testing.assert_allclose(got, expected, atol=1e-6)


def test_ctrl_c_leaves_nothing_half_written(model_file, tmp_path):
    process = programs.start(
        "export",
        model=model_file,
        threshold=0.5,
        output=tmp_path / "1",
        condition=("terminal",),
    )
    while not list(tmp_path.glob(".1-*")):
        assert process.poll() is None, process.communicate()[1]
        time.sleep(0.001)
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate()
    assert process.returncode == 130, errors
    assert errors == "unpg export: interrupted\n"
    assert not list(tmp_path.iterdir())


def test_the_card_holds_flags_facts_and_no_paths(model_file, tmp_path):
    flags = "--data=/home/me/faces\n--loss=unpg\n--cache\n--scale=32.0\n"
    model_file.with_name("flags.txt").write_text(flags)
    facts = tmp_path / "facts.json"
    facts.write_text('{"contact": "me", "licence": "none"}')
    output = tmp_path / "1"
    done = run(
        model=model_file,
        threshold=0.5,
        output=output,
        card=facts,
        licence="Apache-2.0",
    )
    assert done.returncode == 0, done.stderr
    card = json.loads((output / "assets.extra/model_card.json").read_text())
    assert card["training"] == {
        "data": "faces",
        "loss": "unpg",
        "cache": True,
        "scale": "32.0",
    }
    assert card["data"] == "faces" and card["loss"] == "unpg"
    assert card["licence"] == "Apache-2.0" and card["contact"] == "me"
    facts.write_text("[1]")
    done = run(model=model_file, threshold=0.5, output=output, card=facts)
    assert done.returncode == 1
    assert "facts.json: Expected a JSON object" in done.stderr


def test_an_existing_version_fails_and_names_the_flag(model_file, tmp_path):
    done = run(model=model_file, threshold=0.5, output=tmp_path)
    assert done.returncode == 1
    assert "unpg export: Expected a directory that doesn't exist" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_threshold_is_required(model_file, tmp_path):
    output = tmp_path / "1"
    done = run(model=model_file, output=output)
    assert done.returncode == 1
    assert "either --threshold or --threshold_from" in done.stderr
    assert "Traceback" not in done.stderr
    assert not output.exists()
