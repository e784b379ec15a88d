"""The model in saved_models/sample, and the program that made it."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

from unpg_tf.evaluation import Embedder
from unpg_tf.evaluation import evaluate_pairs
from unpg_tf.evaluation import load_model
from unpg_tf.evaluation import synthetic_pairs

ROOT = Path(__file__).parents[2]
SAMPLE = ROOT / "saved_models" / "sample"


def test_it_is_as_good_as_its_card_says():
    card = json.loads((SAMPLE / "1/assets.extra/model_card.json").read_text())
    size = card["architecture"]["image_size"]
    pairs = synthetic_pairs(card["evaluation"]["pairs"]["total"], size)
    embedder = Embedder(load_model(SAMPLE / "1"), flip=False)
    report = evaluate_pairs(embedder, pairs).report
    assert report["auc"] == pytest.approx(card["evaluation"]["auc"], abs=1e-4)
    threshold = card["decision"]["threshold"]
    rate = str(card["decision"]["false_accept_rate"])
    expected = report["threshold_at_far"][rate]
    assert threshold == pytest.approx(expected, abs=1e-3)


def test_it_answers_about_the_images_beside_it():
    names = ["anna_1.png", "anna_2.png", "bert_1.png"]
    contents = [(SAMPLE / "images" / name).read_bytes() for name in names]
    loaded = tf.saved_model.load(str(SAMPLE / "1"))
    answer = loaded.signatures["verify"](
        image_bytes_a=tf.constant(contents[:1] * 2),
        image_bytes_b=tf.constant(contents[1:]),
    )
    np.testing.assert_array_equal(answer["valid"], [True, True])
    np.testing.assert_array_equal(answer["same"], [True, False])


def test_the_program_makes_another(tmp_path):
    output = tmp_path / "sample" / "1"
    flags = ["--identities=16", "--epochs=1", "--pairs=400"]
    done = subprocess.run(
        [sys.executable, ROOT / "benchmarks/sample_model.py"]
        + [f"--output={output}", *flags],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert (output / "assets.extra/model_card.json").is_file()
    assert len(list((output.parent / "images").iterdir())) == 4
