"""What the graph of an exported model answers, against `predict`."""

import numpy as np
import pytest
import tensorflow as tf
from tensorflow import keras

from unpg_tf.data.images import resize
from unpg_tf.data.synthetic import draw
from unpg_tf.serving import Server

SIZE = 24
DIM = 6


def make_model(policy=None):
    keras.utils.set_random_seed(3)
    images = keras.Input((SIZE, SIZE, 3))
    x = keras.layers.Rescaling(1 / 127.5, offset=-1, dtype=policy)(images)
    x = keras.layers.Conv2D(8, 3, strides=2, dtype=policy)(x)
    x = keras.layers.BatchNormalization(dtype=policy)(x)
    x = keras.layers.ReLU(dtype=policy)(x)
    x = keras.layers.Flatten(dtype=policy)(x)
    return keras.Model(images, keras.layers.Dense(DIM, dtype=policy)(x))


def unit(vectors):
    norms = np.linalg.norm(vectors, axis=1)
    return vectors / norms[:, None], norms


def png(image):
    return tf.io.encode_png(image).numpy()


@pytest.fixture(scope="module")
def model():
    return make_model()


@pytest.fixture(scope="module")
def images():
    return draw(np.arange(5), np.zeros(5, int), SIZE)


def test_embedding_and_norm_are_those_of_predict(model, images):
    server = Server(model, SIZE, 0.5)
    got = server.embed_images(images)
    embeddings, norms = unit(model.predict(images, verbose=0))
    np.testing.assert_allclose(got["embedding"], embeddings, atol=1e-6)
    np.testing.assert_allclose(got["norm"], norms, rtol=1e-5)
    assert got["embedding"].dtype == got["norm"].dtype == tf.float32


@pytest.mark.parametrize("height, width", [(SIZE, 31), (50, SIZE), (9, 13)])
def test_images_of_any_size_are_resized(model, height, width):
    images = draw([0, 1], [0, 0], 64)[:, :height, :width]
    server = Server(model, SIZE, 0.5)
    got = server.embed_images(images)
    resized = resize(tf.constant(images), SIZE)
    expected, _ = unit(model.predict(resized, verbose=0))
    # A mean that ends in a half may be rounded to either side.
    assert np.all(np.sum(got["embedding"] * expected, axis=1) > 0.9999)


def test_files_are_embedded_like_their_pixels(model):
    server = Server(model, SIZE, 0.5)
    for size, rtol in ((SIZE, 1e-6), (40, 1e-2)):
        pixels = draw([0, 1], [0, 0], size)
        got = server.embed_encoded([png(image) for image in pixels])
        expected = server.embed_images(pixels)
        np.testing.assert_allclose(got["norm"], expected["norm"], rtol=rtol)
        cosines = np.sum(got["embedding"] * expected["embedding"], axis=1)
        np.testing.assert_allclose(cosines, 1, atol=rtol)
        assert got["valid"].numpy().all()


def test_grey_and_alpha_and_jpeg_files(model, images):
    grey = images[0, :, :, :1]
    alpha = np.concatenate([images[1], grey], axis=-1)
    jpeg = tf.io.encode_jpeg(images[2], quality=90).numpy()
    server = Server(model, SIZE, 0.5)
    got = server.embed_encoded([png(grey), png(alpha), jpeg])
    seen = np.stack(
        [np.repeat(grey, 3, -1), images[1], tf.io.decode_jpeg(jpeg)]
    )
    expected, _ = unit(model.predict(seen, verbose=0))
    np.testing.assert_allclose(got["embedding"], expected, atol=1e-6)


def test_corrupt_files_leave_the_others_alone(model, images):
    files = [png(image) for image in images]
    server = Server(model, SIZE, 0.5)
    whole = server.embed_encoded(files)
    files[1], files[2], files[4] = b"not an image", b"", files[4][:60]
    got = server.embed_encoded(files)
    valid = np.array([True, False, False, True, False])
    np.testing.assert_array_equal(got["valid"], valid)
    for key in ("embedding", "norm"):
        mask = valid[:, None] if key == "embedding" else valid
        np.testing.assert_allclose(got[key], np.where(mask, whole[key], 0))


def test_verify_is_the_cosine_against_the_threshold(model, images):
    files = [png(image) for image in images]
    embeddings, _ = unit(model.predict(images, verbose=0))
    cosines = embeddings[0] @ embeddings[1:].T
    threshold = np.sort(cosines)[1:3].mean()
    server = Server(model, SIZE, threshold)
    got = server.verify([files[0]] * 4, files[1:])
    np.testing.assert_allclose(got["similarity"], cosines, atol=1e-6)
    np.testing.assert_array_equal(got["same"], cosines >= threshold)
    assert got["valid"].numpy().all()


def test_a_corrupt_file_is_never_the_same(model, images):
    file = png(images[0])
    server = Server(model, SIZE, threshold=-1.0)
    got = server.verify([file, b"x", file], [file, file, b"x"])
    np.testing.assert_array_equal(got["same"], [True, False, False])
    np.testing.assert_array_equal(got["valid"], [True, False, False])
    np.testing.assert_allclose(got["similarity"], [1, 0, 0], atol=1e-6)


def test_verify_refuses_halves_of_unequal_number(model, images):
    file = png(images[0])
    server = Server(model, SIZE, 0.5)
    with pytest.raises(tf.errors.InvalidArgumentError, match="as many"):
        server.verify([file, file], [file])


def test_flip_averages_an_image_and_its_mirror(model, images):
    server = Server(model, SIZE, 0.5, flip=True)
    got = server.embed_images(images)
    mean = model.predict(images, verbose=0) / 2
    mean += model.predict(images[:, :, ::-1], verbose=0) / 2
    embeddings, norms = unit(mean)
    np.testing.assert_allclose(got["embedding"], embeddings, atol=1e-6)
    np.testing.assert_allclose(got["norm"], norms, rtol=1e-5)


@pytest.mark.parametrize("policy", ["mixed_float16", "mixed_bfloat16"])
def test_half_precision_gives_unit_length_in_single(policy, images):
    model = make_model(policy)
    server = Server(model, SIZE, 0.5)
    got = server.embed_images(images)
    assert got["embedding"].dtype == got["norm"].dtype == tf.float32
    lengths = np.linalg.norm(got["embedding"].numpy(), axis=1)
    np.testing.assert_allclose(lengths, 1, atol=1e-6)
    expected = np.float32(model.predict(images, verbose=0))
    np.testing.assert_allclose(got["embedding"], unit(expected)[0], atol=0.02)


def test_an_empty_batch_gives_an_empty_answer(model):
    server = Server(model, SIZE, 0.5)
    none = tf.constant([], tf.string)
    assert server.verify(none, none)["same"].shape == (0,)
    assert server.embed_encoded(none)["embedding"].shape == (0, DIM)
    images = np.zeros((0, 7, 9, 3), np.uint8)
    assert server.embed_images(images)["embedding"].shape == (0, DIM)


def test_a_zero_embedding_stays_finite():
    model = keras.Sequential(
        [
            keras.Input((4, 4, 3)),
            keras.layers.Flatten(),
            keras.layers.Dense(DIM, use_bias=False),
        ]
    )
    server = Server(model, 4, 0.5)
    got = server.embed_images(np.zeros((2, 4, 4, 3), np.uint8))
    np.testing.assert_array_equal(got["embedding"], np.zeros((2, DIM)))
    np.testing.assert_array_equal(got["norm"], [0, 0])


def test_a_model_without_embeddings_is_refused():
    images = keras.Input((4, 4, 3))
    model = keras.Model(images, keras.layers.Conv2D(2, 3)(images))
    with pytest.raises(ValueError, match=r"Expected .*\[n, dim\].*Received"):
        Server(model, 4, 0.5)


def test_size_and_rate_are_kept_beside_the_threshold(model):
    server = Server(model, SIZE, 0.5, false_accept_rate=0.01)
    assert server.image_size.numpy() == SIZE
    assert server.false_accept_rate.numpy() == np.float32(0.01)
    assert np.isnan(Server(model, SIZE, 0.5).false_accept_rate.numpy())
