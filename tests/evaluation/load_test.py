import json
import zipfile

import numpy as np
import pytest
from tensorflow import keras

from unpg_tf.evaluation import load_model


def test_a_keras_file_answers_as_the_model_did(tmp_path):
    layers = [keras.layers.Flatten(), keras.layers.Dense(3)]
    model = keras.Sequential([keras.Input((4, 4, 3)), *layers])
    model.save(tmp_path / "model.keras")
    images = np.ones((2, 4, 4, 3), "float32")
    np.testing.assert_array_equal(
        load_model(tmp_path / "model.keras")(images), model(images)
    )


def test_a_model_of_another_keras_is_told_in_a_line(tmp_path):
    path = tmp_path / "model.keras"
    config = {"class_name": "Unheard", "config": {"long": "x" * 5000}}
    with zipfile.ZipFile(path, "w") as archive:
        metadata = {"keras_version": "99.1.2"}
        archive.writestr("metadata.json", json.dumps(metadata))
        archive.writestr("config.json", json.dumps(config))
        archive.writestr("model.weights.h5", b"")
    with pytest.raises(ValueError, match="Received: .*by Keras 99.1.2") as e:
        load_model(path)
    assert "\n" not in str(e.value)
    assert len(str(e.value)) < 300 + len(str(path))


def test_a_file_that_is_no_model_is_told(tmp_path):
    path = tmp_path / "model.keras"
    with pytest.raises(FileNotFoundError, match="Expected a .keras file"):
        load_model(path)
    path.write_text("no model")
    with pytest.raises(ValueError, match="model.keras, which is no .keras"):
        load_model(path)
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("notes.txt", "no model either")
    with pytest.raises(ValueError, match="which is no whole .keras file"):
        load_model(path)


@pytest.mark.parametrize("name", ["model.h5", "model.keras"])
def test_hdf5_which_may_hold_code_is_refused(tmp_path, name):
    layers = [keras.Input((2,)), keras.layers.Dense(3)]
    keras.Sequential(layers).save(tmp_path / "model.h5")
    (tmp_path / "model.h5").rename(tmp_path / name)
    with pytest.raises(ValueError, match="Expected a .keras file.*Received"):
        load_model(tmp_path / name)


@pytest.mark.parametrize("part", np.linspace(0.02, 0.98, 12))
def test_a_damaged_file_is_named(tmp_path, part):
    path = tmp_path / "model.keras"
    layers = [keras.Input((2,)), keras.layers.Dense(300)]
    keras.Sequential(layers).save(path)
    contents = bytearray(path.read_bytes())
    contents[int(part * len(contents))] ^= 4
    path.write_bytes(contents)
    try:
        load_model(path)
    except ValueError as error:
        assert f"Received: {path}" in str(error)
    else:
        pytest.fail(f"the file was loaded in spite of {part}")
