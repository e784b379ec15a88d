import numpy as np
import pytest
import tensorflow as tf
from tensorflow import keras

from unpg_tf.evaluation import Embedder
from unpg_tf.evaluation import load_model
from unpg_tf.layers import CosFace
from unpg_tf.models import EmbeddingModel

SIZE, DIM = 8, 5


def small_model(size=SIZE):
    inputs = keras.Input((size, size, 3))
    x = keras.layers.Rescaling(1 / 127.5, offset=-1)(inputs)
    x = keras.layers.Conv2D(DIM, 3)(x)
    # The two halves differ, so that a mirrored image does.
    x = keras.layers.Cropping2D(((0, 0), (0, 3)))(x)
    return keras.Model(inputs, keras.layers.GlobalAveragePooling2D()(x))


def pictures(n, size=SIZE):
    rng = np.random.default_rng(n)
    return rng.integers(0, 256, (n, size, size, 3), dtype=np.uint8)


def unit(vectors):
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def write_png(path, image):
    path.write_bytes(tf.io.encode_png(image).numpy())
    return str(path)


class Serving(tf.Module):
    """A SavedModel's graph; with the norm, its embeddings are of length 1."""

    def __init__(self, model, with_norm):
        super().__init__()
        self.model = model
        self.with_norm = with_norm

    @tf.function(
        input_signature=[tf.TensorSpec([None, SIZE, SIZE, 3], tf.uint8)]
    )
    def serve(self, images):
        embeddings = self.model(tf.cast(images, tf.float32))
        if not self.with_norm:
            return {"embedding": embeddings}
        units, norm = tf.linalg.normalize(embeddings, axis=1)
        return {"embedding": units, "norm": norm[:, 0]}


@pytest.mark.parametrize("batch_size", [1, 4, 7, 64])
def test_embeds_every_image_in_order(batch_size):
    model, images = small_model(), pictures(7)
    embedder = Embedder(model, flip=False, batch_size=batch_size)
    expected = unit(model.predict(images, verbose=0))
    actual = embedder(images)
    assert actual.dtype == np.float32
    np.testing.assert_allclose(actual, expected, atol=1e-6)


def test_flip_test_sums_before_normalising():
    model, images = small_model(), pictures(6)
    plain = model.predict(images, verbose=0)
    mirrored = model.predict(images[:, :, ::-1], verbose=0)
    assert np.abs(unit(plain) - unit(mirrored)).max() > 0.1
    actual = Embedder(model, batch_size=4)(images)
    np.testing.assert_allclose(actual, unit(plain + mirrored), atol=1e-6)
    np.testing.assert_allclose(
        Embedder(model)(images[:, :, ::-1]), actual, atol=1e-6
    )


def test_paths_and_pixels_give_the_same(tmp_path):
    model, images = small_model(), pictures(5)
    paths = [
        write_png(tmp_path / f"{i}é.png", image)
        for i, image in enumerate(images)
    ]
    embedder = Embedder(model, batch_size=2)
    for given in (paths, np.array(paths), images.astype("float32")):
        np.testing.assert_array_equal(embedder(given), embedder(images))


def test_encoded_images_give_what_their_files_do():
    model, images = small_model(), pictures(5)
    encoded = np.empty(5, object)
    encoded[:] = [tf.io.encode_png(image).numpy() for image in images]
    embedder = Embedder(model, batch_size=2)
    np.testing.assert_array_equal(embedder(encoded), embedder(images))
    encoded[3] = b"no image"
    with pytest.raises(ValueError, match="Received: image 3"):
        embedder(encoded)


def test_resizes_files_to_the_model(tmp_path):
    grey = np.full((20, 30, 1), 200, np.uint8)
    path = write_png(tmp_path / "grey.png", grey)
    embedder = Embedder(small_model())
    expected = embedder(np.full((1, SIZE, SIZE, 3), 200))
    np.testing.assert_allclose(embedder([path]), expected, atol=1e-6)


@pytest.mark.parametrize("policy", ["mixed_float16", "mixed_bfloat16"])
def test_half_precision_gives_unit_vectors_in_float32(policy):
    keras.mixed_precision.set_global_policy(policy)
    try:
        model = small_model()
    finally:
        keras.mixed_precision.set_global_policy("float32")
    actual = Embedder(model)(pictures(3))
    assert actual.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(actual, axis=1), 1, atol=1e-6)


def test_an_embedding_model_needs_no_labels(tmp_path):
    backbone, images = small_model(), pictures(3)
    model = EmbeddingModel(backbone, CosFace(4))
    expected = Embedder(backbone)(images)
    np.testing.assert_allclose(Embedder(model)(images), expected, atol=1e-6)
    model.save(tmp_path / "model.keras")
    loaded = load_model(tmp_path / "model.keras")
    np.testing.assert_allclose(Embedder(loaded)(images), expected, atol=1e-6)


@pytest.mark.parametrize("with_norm", [True, False])
def test_a_saved_model_gives_what_its_keras_model_does(tmp_path, with_norm):
    model, images = small_model(), pictures(5)
    serving = Serving(model, with_norm)
    tf.saved_model.save(serving, str(tmp_path), signatures=serving.serve)
    served = load_model(tmp_path)
    assert served.input_shape == (None, SIZE, SIZE, 3)
    np.testing.assert_allclose(
        Embedder(served)(images), Embedder(model)(images), atol=1e-6
    )


def test_refuses_a_saved_model_without_the_signature(tmp_path):
    tf.saved_model.save(tf.Module(), str(tmp_path))
    with pytest.raises(ValueError, match=r"serving_default takes images"):
        load_model(tmp_path)


def test_refuses_a_path_without_a_model(tmp_path):
    for path in (tmp_path, tmp_path / "model.keras"):
        with pytest.raises(FileNotFoundError, match="Expected a .keras file"):
            load_model(path)


def test_image_size_where_the_model_does_not_tell():
    model = small_model(size=None)
    with pytest.raises(ValueError, match="Expected image_size, since"):
        Embedder(model)
    assert Embedder(model, image_size=9)(pictures(2, 9)).shape == (2, DIM)


def test_refuses_another_size_than_the_model_has():
    with pytest.raises(ValueError, match="image_size=8, .* image_size=9"):
        Embedder(small_model(), image_size=9)
    with pytest.raises(ValueError, match=r"shape \(8, 8, 3\).*\(2, 9, 9, 3\)"):
        Embedder(small_model())(pictures(2, 9))


def test_names_the_file_that_is_no_image(tmp_path):
    good = write_png(tmp_path / "good.png", pictures(1)[0])
    bad = tmp_path / "bad.png"
    bad.write_text("no image")
    embedder = Embedder(small_model(), batch_size=2)
    with pytest.raises(ValueError, match="BMP or GIF image. Received.*bad"):
        embedder([good, good, good, str(bad)])


@pytest.mark.parametrize(
    "make, reason",
    [
        (lambda path: None, "No such file or directory"),
        (lambda path: path.mkdir(), "Is a directory"),
    ],
)
def test_names_the_file_that_can_not_be_read(tmp_path, make, reason):
    good = write_png(tmp_path / "good.png", pictures(1)[0])
    bad = tmp_path / "bad.png"
    make(bad)
    embedder = Embedder(small_model(), batch_size=2)
    with pytest.raises(ValueError, match=rf"can be read. .*bad.png: {reason}$"):
        embedder([good, good, good, str(bad)])


def test_refuses_a_model_whose_output_is_no_embedding():
    model = keras.Sequential([keras.Input((SIZE, SIZE, 3))])
    model.add(keras.layers.Conv2D(2, 1))
    with pytest.raises(ValueError, match=r"embeddings of shape \[n, dim\]"):
        Embedder(model)(pictures(2))


def test_shows_progress_when_asked(capsys, monkeypatch):
    monkeypatch.setattr("unpg_tf.progress.PATIENCE", 0.0)
    embedder = Embedder(small_model(), batch_size=2)
    embedder(pictures(5))
    assert capsys.readouterr().out == ""
    embedder(pictures(5), verbose=1)
    assert "Embedding 5 images" in capsys.readouterr().out
