import numpy as np
import pytest
from tensorflow import keras

from unpg_tf.evaluation import CachedEmbedder
from unpg_tf.evaluation import Embedder
from unpg_tf.evaluation import StoredEmbeddings
from unpg_tf.evaluation import image_names
from unpg_tf.evaluation import write_embeddings

SIZE, DIM = 8, 3


@pytest.fixture
def model_file(tmp_path):
    def model_file(name="model.keras"):
        layers = [keras.layers.Flatten(), keras.layers.Dense(DIM)]
        model = keras.Sequential([keras.Input((SIZE, SIZE, 3)), *layers])
        model.save(tmp_path / name)
        return tmp_path / name

    return model_file


def pictures(n):
    rng = np.random.default_rng(n)
    return rng.integers(0, 256, (n, SIZE, SIZE, 3), dtype=np.uint8)


@pytest.fixture
def paths(tmp_path):
    files = [tmp_path / "root" / f"P{i}" / "1.png" for i in range(4)]
    for file, image in zip(files, pictures(4), strict=True):
        file.parent.mkdir(parents=True)
        keras.utils.save_img(file, image, scale=False)
    return np.array([str(file) for file in files])


def cached(model_file, folder, root=".", **kwargs):
    model = keras.models.load_model(model_file)
    embedder = Embedder(model, unit_length=False, **kwargs)
    return CachedEmbedder(embedder, folder, model_file, root)


def as_bytes(paths):
    contents = np.empty(len(paths), object)
    contents[:] = [open(path, "rb").read() for path in paths]
    return contents


def test_what_was_written_is_found_by_name(paths, tmp_path):
    embeddings = np.arange(12.0).reshape(4, 3)
    for images in (paths, as_bytes(paths), pictures(4)):
        names = image_names(images, tmp_path / "root")
        file = tmp_path / "new" / "e.npz"
        write_embeddings(file, embeddings, names, flip=True)
        stored = StoredEmbeddings(file, tmp_path / "root")
        assert stored.flip is True
        order = [2, 0, 0, 3]
        np.testing.assert_array_equal(stored(images[order]), embeddings[order])
    assert image_names(paths, tmp_path / "root")[1] == "P1/1.png"


def test_a_file_without_names_is_in_the_order_of_the_images(tmp_path):
    np.savez(tmp_path / "e.npz", embeddings=np.eye(4))
    stored = StoredEmbeddings(tmp_path / "e.npz")
    assert stored.flip is None
    np.testing.assert_array_equal(stored(pictures(4)), np.eye(4))
    with pytest.raises(ValueError, match="e.npz: Expected 5 embeddings.* 4"):
        stored(pictures(5))


def test_an_image_without_an_embedding_is_named(paths, tmp_path):
    names = image_names(paths[:3], tmp_path)
    write_embeddings(tmp_path / "e.npz", np.eye(3), names, False)
    stored = StoredEmbeddings(tmp_path / "e.npz", tmp_path)
    with pytest.raises(ValueError, match="1 of them, such as root/P3/1.png"):
        stored(paths)


class Evil:
    def __reduce__(self):
        return (print, ("run",))


@pytest.mark.parametrize(
    "write, message",
    [
        (lambda file: file.write_bytes(b"no archive"), "a NumPy archive"),
        (lambda file: file.write_bytes(b""), "a NumPy archive"),
        (
            lambda file: np.savez(file, other=1),
            "the arrays embeddings. .*other",
        ),
        (lambda file: np.savez(file, embeddings=np.ones(3)), r".*shape \(3,\)"),
        (
            lambda file: np.savez(file, embeddings=np.eye(2), names=["a"]),
            "names .2.",
        ),
        (
            lambda file: np.savez(file, embeddings=np.array([[Evil()]])),
            "a NumPy archive",
        ),
        (lambda file: np.save(open(file, "wb"), np.eye(2)), "a NumPy archive"),
        (
            lambda file: np.savez(file, embeddings=np.eye(2).astype(str)),
            r"embeddings \[n, dim\], floats.*<U32",
        ),
        (
            lambda file: np.savez(file, embeddings=np.eye(2), flip=[True] * 2),
            r"flip, True or False. Received: shape \(2,\)",
        ),
        (
            lambda file: np.savez(file, embeddings=np.eye(2), flip="yes"),
            "flip, True or False. .*<U3",
        ),
        (
            lambda file: np.savez(file, embeddings=np.eye(2), names=["a"] * 2),
            "each of names once. Received: a 2 times",
        ),
        (
            lambda file: np.savez(file, embeddings=np.eye(2), names=[1, 2]),
            r"names \[n\], strings",
        ),
    ],
)
def test_other_files_are_refused(tmp_path, capsys, write, message):
    file = tmp_path / "e.npz"
    with pytest.raises(FileNotFoundError, match="Expected an .npz file"):
        StoredEmbeddings(file)
    write(file)
    with pytest.raises(ValueError, match=f"e.npz: Expected {message}"):
        StoredEmbeddings(file)
    assert capsys.readouterr().out == ""


def test_the_second_run_reads_what_the_first_computed(
    model_file, paths, tmp_path
):
    folder, model = tmp_path / "cache", model_file()
    first = cached(model, folder, tmp_path / "root")(paths)
    plain = Embedder(keras.models.load_model(model), unit_length=False)(paths)
    np.testing.assert_array_equal(first, plain)
    (file,) = folder.iterdir()
    # What stands in the file is what comes, so it was not computed again.
    write_embeddings(file, 2 * first, image_names(paths, tmp_path / "root"), 1)
    again = cached(model, folder, tmp_path / "root")(paths)
    np.testing.assert_array_equal(again, 2 * first)
    stored = StoredEmbeddings(file, tmp_path / "root")
    np.testing.assert_array_equal(stored(paths), 2 * first)


def test_what_changes_the_embeddings_changes_the_file(
    model_file, paths, tmp_path
):
    folder, model = tmp_path / "cache", model_file()
    other = model_file("other.keras")
    cached(model, folder)(paths)
    cached(other, folder)(paths)
    cached(model, folder, flip=False)(paths)
    cached(model, folder)(paths[:3])
    cached(model, folder)(as_bytes(paths))
    keras.utils.save_img(paths[0], pictures(9)[8], scale=False)
    cached(model, folder)(paths)
    assert len(list(folder.iterdir())) == 6


def test_a_failure_leaves_nothing_behind(model_file, paths, tmp_path):
    with open(paths[2], "wb") as file:
        file.write(b"no image")
    with pytest.raises(ValueError, match="a JPEG, PNG, BMP or GIF image"):
        cached(model_file(), tmp_path / "cache")(paths)
    assert not (tmp_path / "cache").exists()
