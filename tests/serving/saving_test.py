"""Writing a SavedModel, and asking it where TensorFlow is alone."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
from tensorflow import keras

from tests.serving.models import DIM
from tests.serving.models import SIZE
from tests.serving.models import tiny
from unpg_tf import serving
from unpg_tf.data.synthetic import draw
from unpg_tf.evaluation import Embedder
from unpg_tf.evaluation import load_model
from unpg_tf.layers import CosFace
from unpg_tf.models import EmbeddingModel
from unpg_tf.serving import saving

ROOT = Path(__file__).parents[2]

# Neither the package nor Keras can be imported where this runs.
CLIENT = """
import sys
sys.modules["unpg_tf"] = sys.modules["keras"] = None
sys.modules["tf_keras"] = None
import numpy as np
import tensorflow as tf

directory, answers, *files = sys.argv[1:]
contents = tf.stack([tf.io.read_file(file) for file in files])
pixels = tf.stack([tf.io.decode_png(content) for content in contents])
ask = tf.saved_model.load(directory).signatures
a = ask["serving_default"](images=pixels)
b = ask["encoded_images"](image_bytes=contents)
c = ask["verify"](image_bytes_a=contents[:-1], image_bytes_b=contents[1:])
np.savez(
    answers,
    pixels=a["embedding"],
    norm=a["norm"],
    files=b["embedding"],
    similarity=c["similarity"],
    same=c["same"],
)
"""


def images():
    return draw(np.arange(4), np.zeros(4, int), SIZE)


# Replaces one SavedModel by another, and dies after so many renames.
KILLED = """
import os
import signal
import sys
from unpg_tf import serving
from tests.serving.models import tiny

renames = int(sys.argv[2])
replace = os.replace

def replace_and_die(*args):
    global renames
    replace(*args)
    renames -= 1
    if not renames:
        os.kill(os.getpid(), signal.SIGKILL)

os.replace = replace_and_die
serving.save(tiny(), sys.argv[1], threshold=0.25, overwrite=True)
"""


def ask(directory, pixels):
    signature = tf.saved_model.load(str(directory)).signatures
    return signature["serving_default"](images=tf.constant(pixels))


def unit(vectors):
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def test_answers_where_tensorflow_is_alone(tmp_path):
    model, pixels = tiny(), images()
    expected = model.predict(pixels, verbose=0)
    units = unit(expected)
    cosines = np.sum(units[:-1] * units[1:], axis=1)
    threshold = float(np.median(cosines)) + 1e-4
    serving.save(model, tmp_path / "1", threshold=threshold)
    files = [tmp_path / f"{i}.png" for i in range(len(pixels))]
    for file, image in zip(files, pixels, strict=True):
        file.write_bytes(tf.io.encode_png(image).numpy())
    answers = tmp_path / "answers.npz"
    subprocess.run(
        [sys.executable, "-c", CLIENT, tmp_path / "1", answers, *files],
        cwd="/",
        env={**os.environ, "PYTHONPATH": ""},
        check=True,
    )
    got = np.load(answers)
    np.testing.assert_allclose(got["pixels"], units, atol=1e-6)
    np.testing.assert_allclose(got["files"], units, atol=1e-6)
    norms = np.linalg.norm(expected, axis=1)
    np.testing.assert_allclose(got["norm"], norms, rtol=1e-5)
    np.testing.assert_allclose(got["similarity"], cosines, atol=1e-6)
    np.testing.assert_array_equal(got["same"], cosines >= threshold)


def test_names_shapes_and_dtypes_of_the_signatures(tmp_path):
    serving.save(tiny(), tmp_path / "1", threshold=0.5)
    loaded = tf.saved_model.load(str(tmp_path / "1"))
    seen = {
        name: [
            {key: (spec.dtype.name, list(spec.shape)) for key, spec in specs}
            for specs in (
                signature.structured_input_signature[1].items(),
                signature.structured_outputs.items(),
            )
        ]
        for name, signature in loaded.signatures.items()
    }
    strings, flags = ("string", [None]), ("bool", [None])
    embedding, norm = ("float32", [None, DIM]), ("float32", [None])
    assert seen == {
        "serving_default": [
            {"images": ("uint8", [None, None, None, 3])},
            {"embedding": embedding, "norm": norm},
        ],
        "encoded_images": [
            {"image_bytes": strings},
            {"embedding": embedding, "norm": norm, "valid": flags},
        ],
        "verify": [
            {"image_bytes_a": strings, "image_bytes_b": strings},
            {"similarity": norm, "same": flags, "valid": flags},
        ],
    }
    assert loaded.threshold.numpy() == 0.5


def test_of_an_embedding_model_the_head_stays_behind(tmp_path):
    backbone = tiny()
    model = EmbeddingModel(backbone, CosFace(1000))
    model.compile("sgd")
    serving.save(model, tmp_path / "1", threshold=0.5)
    saved = tf.train.list_variables(str(tmp_path / "1/variables/variables"))
    shapes = [tuple(shape) for name, shape in saved if "weights" in name]
    assert sorted(shapes) == sorted(w.shape for w in backbone.get_weights())
    got = ask(tmp_path / "1", images())["embedding"]
    expected = unit(model.predict(images(), verbose=0))
    np.testing.assert_allclose(got, expected, atol=1e-6)


def test_a_model_of_several_replicas(tmp_path):
    devices = [d.name for d in tf.config.list_logical_devices("CPU")]
    with tf.distribute.MirroredStrategy(devices).scope():
        model = tiny()
    serving.save(model, tmp_path / "1", threshold=0.5)
    expected = unit(np.asarray(model(np.float32(images()))))
    got = ask(tmp_path / "1", images())["embedding"]
    np.testing.assert_allclose(got, expected, atol=1e-6)


def test_an_existing_version_is_refused_unless_overwritten(tmp_path):
    directory = tmp_path / "faces" / "1"
    first, second = tiny(), tiny(size=8)
    serving.save(first, directory, threshold=0.5)
    with pytest.raises(FileExistsError, match=r"overwrite.*Received.*faces"):
        serving.save(second, directory, threshold=0.5)
    expected = unit(first.predict(images(), verbose=0))
    got = ask(directory, images())["embedding"]
    np.testing.assert_allclose(got, expected, atol=1e-6)
    serving.save(second, directory, threshold=0.25, overwrite=True)
    assert tf.saved_model.load(str(directory)).threshold.numpy() == 0.25
    assert os.listdir(directory.parent) == ["1"]


@pytest.mark.parametrize("overwrite", [False, True])
def test_a_version_that_came_meanwhile_is_one_too(
    tmp_path, monkeypatch, overwrite
):
    directory, write_card = tmp_path / "1", saving.write_card

    def meanwhile(*args):
        directory.mkdir()
        (directory / "saved_model.pb").write_text("of another export")
        write_card(*args)

    monkeypatch.setattr(saving, "write_card", meanwhile)
    if overwrite:
        serving.save(tiny(), directory, threshold=0.5, overwrite=True)
        assert tf.saved_model.load(str(directory)).threshold.numpy() == 0.5
        return
    with pytest.raises(FileExistsError, match="overwrite"):
        serving.save(tiny(), directory, threshold=0.5)
    assert (directory / "saved_model.pb").read_text() == "of another export"
    assert os.listdir(tmp_path) == ["1"]


@pytest.mark.parametrize("renames, left", [(1, 0.5), (2, 0.25)])
def test_killed_while_it_replaces_a_version_is_whole(tmp_path, renames, left):
    directory = tmp_path / "faces" / "1"
    serving.save(tiny(), directory, threshold=0.5)
    done = subprocess.run(
        [sys.executable, "-c", KILLED, directory, str(renames)],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        check=False,
    )
    assert done.returncode == -signal.SIGKILL
    assert directory.exists() == (renames > 1)
    # The next to save finds a version, and what was half done is gone.
    with pytest.raises(FileExistsError, match="overwrite"):
        serving.save(tiny(), directory, threshold=0.75)
    loaded = tf.saved_model.load(str(directory))
    assert loaded.threshold.numpy() == np.float32(left)
    assert not (directory.parent / ".1.replaced").exists()
    serving.save(tiny(), directory, threshold=0.75, overwrite=True)
    assert tf.saved_model.load(str(directory)).threshold.numpy() == 0.75


def test_what_a_killed_export_left_goes_a_day_later(tmp_path):
    left, begun, another = (
        tmp_path / name for name in (".1-a", ".1-b", ".2-a")
    )
    for folder in (left, begun, another):
        folder.mkdir()
        (folder / "half").touch()
    for folder in (left, another):
        os.utime(folder, (0, 0))
    serving.save(tiny(), tmp_path / "1", threshold=0.5)
    assert [x.exists() for x in (left, begun, another)] == [False, True, True]


def test_overwrite_replaces_nothing_but_a_saved_model(tmp_path):
    (tmp_path / "notes.txt").write_text("keep me")
    with pytest.raises(FileExistsError, match="Expected a SavedModel"):
        serving.save(tiny(), tmp_path, threshold=0.5, overwrite=True)
    assert (tmp_path / "notes.txt").read_text() == "keep me"


def test_a_failed_export_leaves_nothing(tmp_path):
    keep = tf.Variable(1.0)
    table = tf.lookup.StaticHashTable(
        tf.lookup.KeyValueTensorInitializer([0], [1.0]), default_value=0.0
    )

    class Unsaveable(keras.Model):
        def call(self, inputs):
            label = tf.zeros([tf.shape(inputs)[0], 1], tf.int32)
            return keep * table.lookup(label)

    with pytest.raises(AssertionError, match="untracked"):
        serving.save(
            Unsaveable(), tmp_path / "a" / "1", threshold=0.5, image_size=8
        )
    assert os.listdir(tmp_path / "a") == []


def test_an_interrupt_just_after_the_first_step_leaves_nothing(
    tmp_path, monkeypatch
):
    make = os.mkdir

    def interrupted(path, *args, **kwargs):
        make(path, *args, **kwargs)
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "mkdir", interrupted)
    with pytest.raises(KeyboardInterrupt):
        serving.save(tiny(), tmp_path / "1", threshold=0.5)
    assert not list(tmp_path.iterdir())


def test_image_size_is_asked_for_where_the_model_has_none(tmp_path):
    images = keras.Input((None, None, 3))
    pooled = keras.layers.GlobalAveragePooling2D()(images)
    model = keras.Model(images, keras.layers.Dense(DIM)(pooled))
    with pytest.raises(ValueError, match="Expected image_size.*Received"):
        serving.save(model, tmp_path / "1", threshold=0.5)
    serving.save(model, tmp_path / "1", threshold=0.5, image_size=8)
    pixels = np.full((1, 3, 5, 3), 9, np.uint8)
    expected = unit(model.predict(np.full((1, 8, 8, 3), 9.0), verbose=0))
    got = ask(tmp_path / "1", pixels)["embedding"]
    np.testing.assert_allclose(got, expected, atol=1e-6)


def test_an_image_size_other_than_the_models_is_refused(tmp_path):
    with pytest.raises(ValueError, match=r"same size.*Received: image_size=21"):
        serving.save(tiny(), tmp_path / "1", threshold=0.5, image_size=SIZE + 1)
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize("kind", [list, dict])
def test_a_model_of_several_inputs_is_refused(tmp_path, kind):
    inputs = {name: keras.Input((SIZE, SIZE, 3), name=name) for name in "ab"}
    given = inputs if kind is dict else [*inputs.values()]
    model = keras.Model(given, keras.layers.Flatten()(inputs["a"]))
    with pytest.raises(ValueError, match="Expected a model with one input"):
        serving.save(model, tmp_path / "1", threshold=0.5)
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize("threshold", [1.5, -1.01, float("nan")])
def test_a_threshold_is_a_cosine(tmp_path, threshold):
    with pytest.raises(ValueError, match=r"\[-1, 1\].*Received: threshold="):
        serving.save(tiny(), tmp_path / "1", threshold=threshold)
    assert os.listdir(tmp_path) == []


def test_an_evaluation_need_not_be_told_the_image_size(tmp_path):
    model = tiny()
    serving.save(model, tmp_path / "1", threshold=0.5, false_accept_rate=0.1)
    embedder = Embedder(load_model(tmp_path / "1"), flip=False)
    assert embedder.image_size == SIZE
    expected = unit(model.predict(images(), verbose=0))
    np.testing.assert_allclose(embedder(images()), expected, atol=1e-6)
    loaded = tf.saved_model.load(str(tmp_path / "1"))
    assert loaded.false_accept_rate.numpy() == np.float32(0.1)
