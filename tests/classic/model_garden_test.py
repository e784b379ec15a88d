"""The experiment unpg_face_recognition, by the Model Garden's trainer."""

import importlib
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
import yaml
from official.core import exp_factory
from official.core import task_factory
from official.core import train_lib
from tensorflow import keras

import unpg_tf
import unpg_tf.model_garden  # noqa: F401  Registers the experiment.

ROOT = Path(__file__).parents[2]
TINY = {
    "task": {
        "model": {
            "backbone": "small",
            "image_size": 32,
            "embedding_dim": 8,
        },
        "head": {"name": "MagFace", "options": {"upper_margin": 0.7}},
        "loss": {"options": {"scale": 8.0, "max_pair_share": 0.4}},
        "train_data": {
            "identities": 5,
            "images_per_identity": 8,
            # 40 images: 8 are left out of each epoch.
            "global_batch_size": 16,
        },
        "validation_data": {"identities": 42, "global_batch_size": 32},
    },
    "trainer": {
        "train_steps": 3,
        "steps_per_loop": 1,
        "summary_interval": 1,
        "checkpoint_interval": 3,
        "validation_interval": 3,
        "optimizer_config": {
            "learning_rate": {"cosine": {"initial_learning_rate": 0.01}},
            "warmup": {"linear": {"warmup_steps": 1}},
        },
    },
}


def smooth(image_size, embedding_dim, dropout):
    """A network without the kinks of ReLU, beside which rounding decides."""
    images = keras.Input([image_size, image_size, 3])
    x = keras.layers.Rescaling(1 / 127.5, -1)(images)
    for filters in (8, 16):
        x = keras.layers.Conv2D(filters, 3, strides=2, use_bias=False)(x)
        x = keras.layers.BatchNormalization(synchronized=True)(x)
        x = keras.layers.Activation("tanh")(x)
    x = keras.layers.Flatten()(x)
    return keras.Model(images, keras.layers.Dense(embedding_dim)(x))


def run(strategy, folder, seed, mode="train_and_post_eval"):
    """Weights of the model, and what the evaluation says."""
    keras.utils.set_random_seed(seed)
    config = exp_factory.get_exp_config("unpg_face_recognition")
    config.override(TINY, is_strict=True)
    config.task.model.backbone = "smooth"
    with strategy.scope():
        task = task_factory.get_task(config.task)
    model, logs = train_lib.run_experiment(
        strategy, task, mode, config, str(folder)
    )
    return model.get_weights(), logs


def training_losses(folder):
    (path,) = (folder / "train").iterdir()
    events = [
        tf.compat.v1.Event.FromString(record.numpy())
        for record in tf.data.TFRecordDataset(str(path))
    ]
    return [
        float(tf.make_ndarray(value.tensor))
        for event in events
        for value in event.summary.value
        if value.tag == "training_loss"
    ]


@pytest.mark.parametrize("seed", [1, 2])
def test_replicas_train_as_one_device(strategy_of, tmp_path, seed, monkeypatch):
    # The package's `build` is the function, not the module.
    module = importlib.import_module("unpg_tf.backbones.build")
    monkeypatch.setitem(module._OWN, "smooth", smooth)
    one, report = run(strategy_of(1), tmp_path / "one", seed)
    many, found = run(strategy_of(2), tmp_path / "many", seed)
    assert report["auc"] == pytest.approx(found["auc"], abs=0.02)
    values = training_losses(tmp_path / "one")
    assert len(values) == 3
    np.testing.assert_allclose(
        training_losses(tmp_path / "many"), values, rtol=1e-5
    )
    for here, there in zip(many, one, strict=True):
        size = np.abs(there).max()
        np.testing.assert_allclose(here, there, rtol=1e-4, atol=1e-4 * size)


def test_the_program_trains_evaluates_and_exports(tmp_path):
    (tmp_path / "tiny.yaml").write_text(yaml.safe_dump(TINY))
    overrides = "task.model.backbone=tfm:resnet-10,task.loss.options.scale=16.0"
    program = [
        sys.executable,
        ROOT / "examples/train_tf_models.py",
        "--experiment=unpg_face_recognition",
        "--mode=train_and_eval",
        f"--config_file={tmp_path / 'tiny.yaml'}",
        f"--params_override={overrides}",
        f"--model_dir={tmp_path / 'run'}",
        "--devices=2",
    ]
    process = subprocess.run(
        program,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
    )
    assert process.returncode == 0, process.stderr
    params = yaml.safe_load((tmp_path / "run/params.yaml").read_text())
    assert params["task"]["model"]["backbone"] == "tfm:resnet-10"
    assert params["task"]["loss"]["options"]["scale"] == 16.0
    assert params["task"]["head"]["options"]["upper_margin"] == 0.7
    assert (tmp_path / "run/ckpt-3.index").exists()
    assert (tmp_path / "run/validation").exists()
    model = unpg_tf.evaluation.load_model(tmp_path / "run/model.keras")
    images = np.full([2, 32, 32, 3], 99, np.uint8)
    embeddings = model.predict(images, verbose=0)
    served = tf.saved_model.load(str(tmp_path / "run/saved_model/1"))
    answer = served.signatures["serving_default"](images=images)
    np.testing.assert_allclose(
        answer["norm"], np.linalg.norm(embeddings, axis=1), rtol=1e-4
    )


def test_the_config_has_the_options_of_the_loss():
    config = exp_factory.get_exp_config("unpg_face_recognition")
    config.override(TINY, is_strict=True)
    task = task_factory.get_task(config.task)
    assert task.build_model().loss.max_pair_share == 0.4
    config.task.loss.options.max_pair_share = 1.5
    with pytest.raises(ValueError, match="Expected max_pair_share above 0"):
        task.build_model()


def test_an_unknown_head_is_named(strategy_of, tmp_path):
    config = exp_factory.get_exp_config("unpg_face_recognition")
    config.override(TINY, is_strict=True)
    config.task.head.name = "NoFace"
    task = task_factory.get_task(config.task)
    with pytest.raises(ValueError, match="Expected a class of unpg_tf.layers"):
        task.build_model()
