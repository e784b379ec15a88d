import numpy as np
import pytest
from tensorflow import keras

from unpg_tf.backbones import build

SIZE, DIM = 48, 6


@pytest.fixture
def images():
    rng = np.random.default_rng(0)
    return rng.integers(0, 256, (2, SIZE, SIZE, 3)).astype(np.uint8)


@pytest.mark.parametrize("name", ["small", "MobileNet"])
def test_a_center_crop_is_all_that_the_network_sees(name, images):
    model = build(name, SIZE, DIM, center_crop=0.75)
    assert model.input_shape == (None, SIZE, SIZE, 3)
    embeddings = model.predict(images, verbose=0)
    # 36 of 48 pixels: 6 go at each edge.
    changed = images.copy()
    changed[:, :6], changed[:, :, -6:] = 0, 255
    np.testing.assert_array_equal(model.predict(changed, verbose=0), embeddings)
    changed[:, 6] = 0
    changed = model.predict(changed, verbose=0)
    assert not np.array_equal(changed, embeddings)


def test_a_center_crop_is_saved_with_the_model(images, tmp_path):
    model = build("small", SIZE, DIM, center_crop=0.75)
    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    np.testing.assert_array_equal(
        loaded.predict(images, verbose=0), model.predict(images, verbose=0)
    )


@pytest.mark.parametrize("center_crop", [0.0, 1.1])
def test_a_center_crop_out_of_range_is_named(center_crop):
    with pytest.raises(ValueError, match=f"center_crop.*{center_crop}"):
        build("small", SIZE, DIM, center_crop=center_crop)


def test_sizes_may_be_integers_of_numpy():
    model = build("small", np.int64(SIZE), np.int64(DIM))
    assert model.output_shape == (None, DIM)
