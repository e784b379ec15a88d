"""An export in TensorFlow Lite, which phones run."""

import numpy as np
import pytest
import tensorflow as tf

from tests.serving.models import SIZE
from tests.serving.models import tiny
from unpg_tf import serving
from unpg_tf.data import draw


@pytest.fixture(scope="module")
def directory(tmp_path_factory):
    directory = tmp_path_factory.mktemp("saved") / "1"
    serving.save(tiny(), directory, threshold=0.5, flip=True)
    return str(directory)


def convert(directory, optimizations):
    converter = tf.lite.TFLiteConverter.from_saved_model(
        directory, signature_keys=["serving_default"]
    )
    converter.optimizations = optimizations
    # No operation of TensorFlow's own: those that a phone's runtime has.
    converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS]
    return tf.lite.Interpreter(model_content=converter.convert())


def embeddings(interpreter, images):
    """A new interpreter's signature runner takes the shape of each call."""
    ask = interpreter.get_signature_runner("serving_default")
    return ask(images=images)


@pytest.mark.parametrize("size", [SIZE, 33])
@pytest.mark.parametrize("dynamic_int8", [False, True])
def test_it_answers_as_tensorflow_does(directory, size, dynamic_int8):
    optimizations = [tf.lite.Optimize.DEFAULT] if dynamic_int8 else []
    interpreter = convert(directory, optimizations)
    images = draw([0, 1, 2], [0, 0, 0], size)
    got = embeddings(interpreter, images)
    loaded = tf.saved_model.load(directory)
    signature = loaded.signatures["serving_default"]
    expected = signature(images=tf.constant(images))
    assert set(got) == set(expected)
    cosines = np.sum(got["embedding"] * expected["embedding"], axis=1)
    assert np.all(cosines > (0.99 if dynamic_int8 else 0.9999))
    rtol = 0.1 if dynamic_int8 else 1e-3
    np.testing.assert_allclose(got["norm"], expected["norm"], rtol=rtol)
