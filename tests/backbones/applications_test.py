import sys

import numpy as np
import pytest
from tensorflow import keras

from unpg_tf.backbones import application
from unpg_tf.backbones import build

SIZE, DIM = 32, 6


@pytest.fixture
def images():
    rng = np.random.default_rng(0)
    return rng.integers(0, 256, (2, SIZE, SIZE, 3)).astype(np.uint8)


def test_a_network_by_its_name_gives_embeddings(images):
    model = build("MobileNet", SIZE, DIM)
    embeddings = model.predict(images, verbose=0)
    assert embeddings.shape == (2, DIM) and embeddings.dtype == np.float32
    floats = images.astype(np.float32)
    np.testing.assert_array_equal(model.predict(floats, verbose=0), embeddings)


def test_case_and_underscores_of_a_name_do_not_matter():
    assert build("mobile_net", SIZE, DIM).name == "mobilenet_1.00_32"


def test_embeddings_are_float32_in_half_precision():
    keras.mixed_precision.set_global_policy("mixed_bfloat16")
    try:
        model = application("MobileNet", SIZE, DIM)
    finally:
        keras.mixed_precision.set_global_policy("float32")
    assert model.outputs[0].dtype == "float32"


# One family for each way of preprocessing: to [-1, 1]; BGR less the mean;
# by mean and deviation of each channel.
@pytest.mark.parametrize("name", ["MobileNet", "ResNet50", "DenseNet121"])
def test_preprocessing_is_the_family_s_own(name, images):
    model = application(name, SIZE, DIM)
    first = keras.Model(model.input, model.get_layer("preprocessing").output)
    constructor = getattr(keras.applications, name)
    function = sys.modules[constructor.__module__].preprocess_input
    expected = function(images.astype(np.float32))
    actual = first.predict(images, verbose=0)
    np.testing.assert_allclose(actual, expected, atol=1e-4)


def test_a_network_that_preprocesses_by_itself_gets_pixels():
    names = [x.name for x in application("MobileNetV3Small", SIZE, DIM).layers]
    assert "preprocessing" not in names


def test_preprocessing_is_saved_with_the_model(images, tmp_path):
    model = application("VGG16", SIZE, DIM)
    path = tmp_path / "model.keras"
    model.save(path)
    loaded = keras.models.load_model(path)
    expected = model.predict(images, verbose=0)
    np.testing.assert_array_equal(loaded.predict(images, verbose=0), expected)


def test_an_unknown_name_lists_similar_ones():
    with pytest.raises(ValueError, match="such as MobileNetV2.*mobilenet_v9"):
        build("mobilenet_v9", SIZE, DIM)
    with pytest.raises(ValueError, match="keras.applications. Received: xyz"):
        build("xyz", SIZE, DIM)


def test_small_is_a_name_too():
    assert build("small", SIZE, DIM).output_shape == (None, DIM)
