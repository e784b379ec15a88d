"""`unpg evaluate` as a program."""

import functools
import json
import os
import pickle
import re

import pytest
import tensorflow as tf
from tensorflow import keras

from tests.cli import programs
from unpg_tf.data import synthetic
from unpg_tf.evaluation import Embedder
from unpg_tf.evaluation import evaluate_pairs
from unpg_tf.evaluation import load_model
from unpg_tf.evaluation import read_bin
from unpg_tf.evaluation import read_pairs
from unpg_tf.layers import CosFace
from unpg_tf.models import EmbeddingModel

run = functools.partial(programs.run, "evaluate")
SIZE, PEOPLE, VIEWS = 16, 6, 4


def assert_like(actual, expected):
    """The same numbers, to rounding, however deep they stand."""
    if isinstance(expected, dict):
        assert set(expected) <= set(actual)
        for key, value in expected.items():
            assert_like(actual[key], value)
    else:
        assert actual == pytest.approx(expected, abs=1e-6)


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


@pytest.fixture(scope="module")
def faces(tmp_path_factory):
    """A folder in LFW's layout, with its pairs files."""
    root = tmp_path_factory.mktemp("faces")
    images, labels = synthetic.labelled_images(PEOPLE, VIEWS, SIZE)
    for i, (image, label) in enumerate(zip(images, labels, strict=True)):
        path = root / f"P{label}" / f"P{label}_{i % VIEWS + 1:04d}.png"
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(tf.io.encode_png(image).numpy())
    for name, first in (("train", 1), ("test", 3)):
        same = [f"P{p}\t{first}\t{first + 1}" for p in range(PEOPLE)]
        other = [f"P{p}\t1\tP{(p + 1) % PEOPLE}\t2" for p in range(PEOPLE)]
        lines = [str(PEOPLE), *same, *other]
        (root / f"{name}.txt").write_text("\n".join(lines))
    return root


def test_one_fold_by_the_threshold_of_other_pairs(model_file, faces, tmp_path):
    report = tmp_path / "new" / "report.json"
    done = run(
        "--noflip",
        "--noplots",
        model=model_file,
        data=faces,
        pairs=faces / "test.txt",
        threshold_pairs=faces / "train.txt",
        batch_size=5,
        report=report,
    )
    assert done.returncode == 0, done.stderr
    expected, _ = evaluate_pairs(
        Embedder(load_model(model_file), flip=False),
        read_pairs(faces / "test.txt", faces),
        read_pairs(faces / "train.txt", faces),
    )
    actual = json.loads(report.read_text())
    assert list(actual) == ["protocol", *expected]
    assert_like(actual, expected)
    assert f"accuracy           {expected['accuracy']:.4f}" in done.stdout
    assert "flip test          no" in done.stdout
    assert list(report.parent.iterdir()) == [report]


def test_drawn_identities_in_ten_folds_with_pictures(model_file, tmp_path):
    path = tmp_path / "report.json"
    done = run(model=model_file, synthetic_pairs=80, report=path)
    assert done.returncode == 0, done.stderr
    # What it runs on, the model, the data, results, files; no more.
    machine, model, data, *results, files = done.stdout.splitlines()
    assert machine.startswith(f"TensorFlow {tf.__version__}, Keras ")
    assert model == (
        f"{model_file}: backbone {load_model(model_file).backbone.name}, 5383 "
        "parameters, embeddings of 7; head CosFace of 3 classes"
    )
    assert data == "synthetic: 80 pairs of 160 images"
    assert all(re.match(r"[\w^ .]{18} .+", line) for line in results)
    pictures = [tmp_path / f"report_{x}.png" for x in ("roc", "similarities")]
    assert files == f"Written: {path}, {pictures[0]}, {pictures[1]}"
    assert done.stderr == ""
    report = json.loads(path.read_text())
    assert report["folds"] == 10
    assert report["flip"] is True
    assert report["pairs"] == {"total": 80, "same": 40, "different": 40}
    assert set(os.listdir(tmp_path)) == {
        "report.json",
        "report_roc.png",
        "report_similarities.png",
    }


@pytest.fixture(scope="module")
def bin_file(tmp_path_factory):
    images, _ = synthetic.labelled_images(PEOPLE, 8, SIZE)
    encoded = [tf.io.encode_png(image).numpy() for image in images]
    # Neighbours are of one identity, images half the set apart of two.
    half = len(encoded) // 2
    others = [encoded[i // 2 + i % 2 * half] for i in range(len(encoded))]
    images = [
        image
        for i in range(0, len(encoded), 2)
        for image in (*encoded[i : i + 2], *others[i : i + 2])
    ]
    path = tmp_path_factory.mktemp("bin") / "set.bin"
    path.write_bytes(pickle.dumps((images, [True, False] * half), 2))
    return path


def test_a_bin_set_in_ten_folds(model_file, bin_file, tmp_path):
    path = tmp_path / "report.json"
    done = run(
        "--noplots",
        protocol="bin",
        data=bin_file,
        model=model_file,
        report=path,
    )
    assert done.returncode == 0, done.stderr
    expected, _ = evaluate_pairs(
        Embedder(load_model(model_file)), read_bin(bin_file)
    )
    actual = json.loads(path.read_text())
    assert_like(actual, expected)
    assert actual["folds"] == 10
    assert actual["pairs"] == {"total": 48, "same": 24, "different": 24}


def test_help_tells_the_flags():
    done = run("--help")
    assert "Faces, LFW's View 1" in done.stdout
    for flag in ("model", "data", "pairs", "threshold_pairs", "report"):
        assert f"  --{flag}" in done.stdout


@pytest.mark.parametrize(
    "flags, message",
    [
        ({}, "Expected --model. Received: none"),
        ({"model": "{model}", "data": "{faces}"}, "Expected --pairs with a"),
        (
            {"model": "{model}", "protocol": "bin", "data": "{model}"},
            "model.keras: Expected .*Received",
        ),
        (
            {
                "model": "{model}",
                "data": "{faces}",
                "pairs": "{faces}/test.txt",
            },
            "Expected --threshold_pairs, since .*test.txt has one fold",
        ),
    ],
)
def test_a_mistake_is_told_in_a_line(model_file, faces, flags, message):
    names = {"model": model_file, "faces": faces}
    done = run(**{k: v.format(**names) for k, v in flags.items()})
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    told = done.stderr.splitlines()[0]
    assert told.startswith("unpg evaluate: ") and "Expected" in told
    assert "accuracy" not in done.stdout
    assert re.search(message, told)
