"""An export under TensorFlow's own command line, saved_model_cli."""

import re
import subprocess
import sys

import numpy as np
import pytest
import tensorflow as tf

from tests.serving.models import DIM
from tests.serving.models import SIZE
from tests.serving.models import tiny
from unpg_tf import serving
from unpg_tf.data import draw


@pytest.fixture(scope="module")
def directory(tmp_path_factory):
    directory = tmp_path_factory.mktemp("saved") / "1"
    serving.save(tiny(), directory, threshold=0.5)
    return str(directory)


def saved_model_cli(command, directory, *arguments):
    done = subprocess.run(
        [sys.executable, "-m", "tensorflow.python.tools.saved_model_cli"]
        + [command, "--dir", directory, "--tag_set", "serve", *arguments],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_show_lists_names_types_and_shapes(directory):
    arguments = ("--signature_def", "encoded_images")
    shown = saved_model_cli("show", directory, *arguments)
    for name, kind, shape in (
        (r"inputs\['image_bytes'\]", "DT_STRING", r"\(-1\)"),
        (r"outputs\['embedding'\]", "DT_FLOAT", rf"\(-1, {DIM}\)"),
        (r"outputs\['norm'\]", "DT_FLOAT", r"\(-1\)"),
        (r"outputs\['valid'\]", "DT_BOOL", r"\(-1\)"),
    ):
        pattern = rf"{name} tensor_info:\s+dtype: {kind}\s+shape: {shape}"
        assert re.search(pattern, shown), shown


def test_run_gives_the_embeddings(directory, tmp_path):
    images = draw([0, 1], [0, 0], SIZE)
    np.save(tmp_path / "images.npy", images)
    saved_model_cli(
        "run",
        directory,
        *("--signature_def", "serving_default"),
        *("--inputs", f"images={tmp_path}/images.npy"),
        *("--outdir", str(tmp_path)),
    )
    loaded = tf.saved_model.load(directory)
    ask = loaded.signatures["serving_default"]
    expected = ask(images=tf.constant(images))
    for name in ("embedding", "norm"):
        got = np.load(tmp_path / f"{name}.npy")
        np.testing.assert_allclose(got, expected[name], atol=1e-6)
