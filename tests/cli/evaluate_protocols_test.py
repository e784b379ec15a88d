"""`unpg evaluate` with its other protocols, as a program."""

import functools
import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
from tensorflow import keras

from tests.cli import programs
from unpg_tf.data import synthetic
from unpg_tf.evaluation import Embedder
from unpg_tf.evaluation import evaluate_pair_lists
from unpg_tf.evaluation import evaluate_templates
from unpg_tf.evaluation import load_model
from unpg_tf.evaluation import read_ijb
from unpg_tf.evaluation import read_pair_lists
from unpg_tf.layers import CosFace
from unpg_tf.losses import UNPGLoss
from unpg_tf.metrics import identify_among_distractors
from unpg_tf.models import EmbeddingModel

run = functools.partial(programs.run, "evaluate")
ROOT = Path(__file__).parents[2]
SIZE, PEOPLE, VIEWS = 16, 8, 4


def report_of(path, done):
    assert done.returncode == 0, done.stderr
    return json.loads(path.read_text())


@pytest.fixture(scope="module")
def model_file(tmp_path_factory):
    layers = [keras.layers.Flatten(), keras.layers.Dense(7)]
    backbone = keras.Sequential([keras.Input((SIZE, SIZE, 3)), *layers])
    path = tmp_path_factory.mktemp("model") / "model.keras"
    model = EmbeddingModel(backbone, CosFace(3))
    model.compile("sgd", UNPGLoss(embedding_dim=7))
    model.save(path)
    return path


@pytest.fixture(scope="module")
def embedder(model_file):
    return Embedder(load_model(model_file), unit_length=False)


@pytest.fixture(scope="module")
def faces(tmp_path_factory):
    """A folder of a folder of images for each identity."""
    root = tmp_path_factory.mktemp("faces")
    images, labels = synthetic.labelled_images(PEOPLE, VIEWS, SIZE)
    for i, (image, label) in enumerate(zip(images, labels, strict=True)):
        path = root / f"P{label}" / f"{i % VIEWS}.png"
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(tf.io.encode_png(image).numpy())
    return root


@pytest.fixture(scope="module")
def lists(faces):
    """Two pair lists: of the first two views, and of all."""
    paths = []
    for name, views in (("Q1", 2), ("Q2", VIEWS)):
        same = [
            f"P{p}/{i}.png P{p}/{j}.png 1"
            for p in range(PEOPLE)
            for i in range(views)
            for j in range(i + 1)
        ]
        other = [
            f"P{p}/{i}.png P{(p + 1) % PEOPLE}/{i}.png 0"
            for p in range(PEOPLE)
            for i in range(views)
        ]
        paths.append(faces / f"{name}.txt")
        paths[-1].write_text("\n".join(same + other))
    return paths


@pytest.fixture(scope="module")
def ijb(faces, tmp_path_factory):
    """IJB's layout: two templates a person, the first enrolled for some."""
    root = tmp_path_factory.mktemp("IJBX")
    (root / "meta").mkdir()
    media, scores, pairs = [], [], []
    for p in range(PEOPLE):
        for i in range(VIEWS):
            (root / f"{p}{i}.png").write_bytes(
                (faces / f"P{p}" / f"{i}.png").read_bytes()
            )
            media.append(f"{p}{i}.png {10 * p + i // 2} {i}")
            scores.append(f"{p}{i}.png {' 1.5' * 10} 0.{p + 1}{i}")
        pairs += [f"{10 * p} {10 * q + 1} {int(p == q)}" for q in range(PEOPLE)]
    meta = {
        "face_tid_mid.txt": media,
        "name_5pts_score.txt": scores,
        "template_pair_label.txt": pairs,
        "1N_gallery_G1.csv": people(0, [0, 1, 2]),
        "1N_gallery_G2.csv": people(0, [3, 4]),
        "1N_probe_mixed.csv": people(1, range(PEOPLE)),
    }
    for name, lines in meta.items():
        (root / "meta" / f"ijbx_{name}").write_text("\n".join(lines) + "\n")
    return root


def people(template, who):
    rows = [f"{10 * p + template},{p},{p}.png" for p in who]
    return ["TEMPLATE_ID,SUBJECT_ID,FILENAME", *rows, rows[0]]


def test_kface_measures_each_list_and_draws_it(
    model_file, embedder, faces, lists, tmp_path
):
    path = tmp_path / "report.json"
    report = report_of(
        path,
        run(
            protocol="kface",
            model=model_file,
            data=faces,
            pairs=",".join(map(str, lists)),
            bootstrap=20,
            report=path,
        ),
    )
    found = evaluate_pair_lists(
        embedder, read_pair_lists(lists, faces), replicates=20
    )
    assert report["protocol"] == "kface"
    assert report["auc"] == pytest.approx(found["all"].report["auc"])
    assert list(report["lists"]) == ["Q1.txt", "Q2.txt"]
    for name, part in report["lists"].items():
        assert part["auc"] == pytest.approx(found[name].report["auc"])
        assert part["intervals"]["replicates"] == 20
    assert set(os.listdir(tmp_path)) == {
        "report.json",
        *(
            f"report_{name}_{kind}.png"
            for name in ("Q1", "Q2")
            for kind in ("roc", "similarities")
        ),
    }


def test_ijb_by_its_switches(model_file, embedder, ijb, tmp_path):
    path = tmp_path / "report.json"
    flags = {"protocol": "ijb", "model": model_file, "data": ijb}
    done = run(**flags, report=path, bootstrap=20)
    report = report_of(path, done)
    expected = evaluate_templates(embedder, read_ijb(ijb), replicates=20)
    for key in ("auc", "eer", "negatives"):
        assert report[key] == pytest.approx(expected.report[key]), key
    assert report["galleries"] == expected.report["galleries"]
    assert report["switches"] == {"keep_norm": True, "detector_score": True}
    assert report["accuracy"] is None and report["threshold"] is None
    assert report["tar_at_far"]["1e-06"] is None
    assert (tmp_path / "report_roc.png").is_file()
    assert "TPIR at FPIR 0.1" in done.stdout
    done = run(
        "--nokeep_norm", "--nodetector_score", "--noplots", **flags, report=path
    )
    plain = report_of(path, done)
    assert plain["switches"] == {"keep_norm": False, "detector_score": False}
    assert plain["inf_positive"] != report["inf_positive"]


def test_identification_of_folders(model_file, embedder, faces, tmp_path):
    strangers, _ = synthetic.labelled_images(30, 1, SIZE, seed=5)
    for i, image in enumerate(strangers):
        file = tmp_path / "strangers" / f"{i % 7}" / "deep" / f"{i:02}.png"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(tf.io.encode_png(image).numpy())
    file.with_name(f"._{file.name}").write_bytes(b"of a file manager")
    path = tmp_path / "new" / "report.json"
    report = report_of(
        path,
        run(
            protocol="identification",
            model=model_file,
            data=faces,
            distractors=tmp_path / "strangers",
            report=path,
        ),
    )
    images, labels = synthetic.labelled_images(PEOPLE, VIEWS, SIZE)
    found = identify_among_distractors(
        embedder(images), labels, embedder(strangers)
    ).report
    assert report["rank"] == pytest.approx(found["rank"])
    assert report["intervals"] == found["intervals"]
    assert list(report["rank_1_at_size"]) == ["10", "30"]
    for key in ("accuracy", "accuracy_std", "threshold", "auc", "eer"):
        assert report[key] is None
    assert set(report["tar_at_far"].values()) == {None}
    negatives = PEOPLE * VIEWS * 30
    assert report["negatives"] == report["pairs"]["different"] == negatives
    assert (path.parent / "report_roc.png").is_file()


def test_identification_of_drawn_people_needs_no_data(model_file):
    done = run(protocol="identification", model=model_file, synthetic_pairs=50)
    assert done.returncode == 0, done.stderr
    assert "rank 1 of 50" in done.stdout


def test_embeddings_in_a_file_take_the_models_place(
    model_file, faces, lists, tmp_path
):
    flags = {"protocol": "kface", "data": faces, "pairs": lists[1]}
    cache, paths = tmp_path / "cache", [tmp_path / f"{i}.json" for i in "ab"]
    first = run(
        "--noplots",
        model=model_file,
        cache_dir=cache,
        report=paths[0],
        **flags,
    )
    (file,) = cache.iterdir()
    assert f"embeddings into {file}" in first.stdout
    again = run("--noplots", model=model_file, cache_dir=cache, **flags)
    assert f"embeddings from {file}" in again.stdout
    without = run("--noplots", embeddings=file, report=paths[1], **flags)
    assert report_of(paths[0], first) == report_of(paths[1], without)
    assert report_of(paths[1], without)["flip"] is True


def test_distractors_may_be_embeddings(model_file, faces, tmp_path):
    rng = np.random.default_rng(0)
    np.savez(tmp_path / "e.npz", embeddings=rng.normal(size=(40, 7)))
    done = run(
        protocol="identification",
        model=model_file,
        data=faces,
        distractors=tmp_path / "e.npz",
    )
    assert done.returncode == 0, done.stderr
    assert "rank 1 of 40" in done.stdout


MISTAKES = {
    "--protocol=bin": "Expected --data=FILE.bin with --protocol=bin",
    "--protocol=ijb": "Expected --data=FOLDER with --protocol=ijb",
    "--protocol=kface --data=FACES": "Expected --pairs with a folder",
    "--pairs=a,b --data=FACES": "Expected one file with --pairs",
    "--protocol=bin --pairs=a": "Expected --protocol=lfw|kface with --pairs",
    "--distractors=a": "Expected --protocol=identification with --distractors",
    "--protocol=identification --data=FACES": "Expected --distractors with",
    "--protocol=ijb --data=FACES": "Expected *face_tid_mid.txt in",
    "--embeddings=a.npz": "Expected --model, or --embeddings in its place",
}

# Each mistake in one process, which takes its time to start.
MAKE_THEM = """
import sys
from tests.cli.given import given
from unpg_tf import cli
from unpg_tf.cli.evaluate.flags import FLAGS

for line in sys.stdin:
    with given(FLAGS):
        try:
            cli.main(["evaluate", *line.split()])
        except SystemExit as error:
            print(str(error).splitlines()[0])
"""


def test_a_mistake_is_told_in_a_line(model_file, faces):
    lines = [f"--model={model_file} {mistake}" for mistake in MISTAKES]
    done = subprocess.run(
        [sys.executable, "-c", MAKE_THEM],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        input="\n".join(lines).replace("FACES", str(faces)),
        capture_output=True,
        text=True,
        check=False,
    )
    # Beside what a program says before it meets the mistake.
    printed = done.stdout.splitlines()
    told = [line for line in printed if line.startswith("unpg evaluate: ")]
    assert len(told) == len(MISTAKES), done.stderr
    for line, message in zip(told, MISTAKES.values(), strict=True):
        assert (
            line.startswith(f"unpg evaluate: {message}") and "Received" in line
        )
