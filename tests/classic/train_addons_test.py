"""What `unpg train` takes of TensorFlow Addons, by its flags."""

import numpy as np
import pytest
import tensorflow as tf
import tensorflow_addons as tfa

from tests.cli.given import given
from unpg_tf import data
from unpg_tf.cli.train import augmentation
from unpg_tf.cli.train import model as train_model
from unpg_tf.cli.train.flags import FLAGS

SIZE, CLASSES, ROWS, STEPS = 32, 4, 16, 3
IMAGES = np.random.default_rng(0).integers(0, 256, [ROWS, SIZE, SIZE, 3])
IMAGES = IMAGES.astype("uint8")
LABELS = np.arange(ROWS, dtype="int32") % CLASSES


@pytest.mark.parametrize(
    ("loss", "optimizer"),
    [
        ("TripletSemiHardLoss", "sgd"),
        ("TripletHardLoss", "tfa:LAMB"),
        ("LiftedStructLoss", "tfa:RectifiedAdam"),
        ("NpairsLoss", "adamw"),
        ("ContrastiveLoss", "tfa:LazyAdam"),
    ],
)
def test_a_loss_and_an_optimizer_train(loss, optimizer):
    with given(
        FLAGS,
        backbone="small",
        dropout=0.0,
        image_size=SIZE,
        embedding_dim=8,
        loss=f"tfa:{loss}",
        optimizer=optimizer,
        learning_rate=0.003,
        warmup_epochs=0.0,
        schedule="constant",
    ):
        model = train_model.compiled_model(CLASSES, STEPS)
    inner = optimizer.removeprefix("tfa:")
    if inner != optimizer:
        assert isinstance(model.optimizer, getattr(tfa.optimizers, inner))
    # Of so few steps the tracing would take most of the time.
    model.run_eagerly = True
    batches = tf.data.Dataset.from_tensors((IMAGES, LABELS)).repeat(STEPS)
    history = model.fit(batches, epochs=2, verbose=0)
    values = history.history["loss"]
    assert np.isfinite(values).all() and values[-1] < values[0]


def test_an_image_operation_by_its_flags():
    with given(
        FLAGS,
        image_op="tfa:sharpness",
        image_op_option=["factor=2", "rate=0.25"],
        flip=0.25,
    ):
        augment = augmentation.augmentation()
    assert isinstance(augment, data.AddonsImages)
    assert augment.operation == "sharpness" and augment.rate == 0.25
    assert augment.options == {"factor": 2} and augment.before.flip == 0.25
