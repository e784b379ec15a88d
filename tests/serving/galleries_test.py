"""Searching a gallery."""

import tracemalloc
import zipfile

import numpy as np
import pytest

from unpg_tf.serving import galleries


def gallery(count=200, dim=8):
    embeddings = np.random.default_rng(3).standard_normal((count, dim))
    embeddings /= np.linalg.norm(embeddings, axis=1, keepdims=True)
    files = np.array([f"{i}.png" for i in range(count)])
    return galleries.Gallery(files, embeddings.astype(np.float32))


@pytest.mark.parametrize("index", ["exact", "faiss"])
def test_the_nearest_come_first(tmp_path, index):
    path, known = tmp_path / "gallery.npz", gallery()
    galleries.write_gallery(path, known, index)
    read = galleries.read_gallery(path)
    np.testing.assert_array_equal(read.files, known.files)
    wanted = known.embeddings[17]
    rows, cosines = galleries.nearest(path, read, wanted, 6, index)
    every = known.embeddings @ wanted
    np.testing.assert_array_equal(rows, np.argsort(-every)[:6])
    np.testing.assert_allclose(cosines, np.sort(every)[::-1][:6], rtol=1e-6)


def test_an_index_misses_next_to_none(tmp_path):
    path, known = tmp_path / "gallery.npz", gallery(6000, 256)
    galleries.write_gallery(path, known, "faiss")
    found = 0
    for wanted in known.embeddings[:20]:
        rows, _ = galleries.nearest(path, known, wanted, 5, "faiss")
        nearest = np.argsort(-(known.embeddings @ wanted))[:5]
        found += len(np.intersect1d(rows, nearest))
    assert found >= 99


@pytest.mark.parametrize("index", ["exact", "faiss"])
def test_a_small_gallery_gives_what_it_has(tmp_path, index):
    path, known = tmp_path / "gallery.npz", gallery(2)
    galleries.write_gallery(path, known, index)
    wanted = known.embeddings[1]
    rows, _ = galleries.nearest(path, known, wanted, 5, index)
    assert rows.tolist() == [1, 0]


def test_an_index_of_an_earlier_gallery_is_gone(tmp_path):
    path = tmp_path / "gallery.npz"
    galleries.write_gallery(path, gallery(), "faiss")
    known = gallery(3)
    galleries.write_gallery(path, known, "exact")
    with pytest.raises(FileNotFoundError, match="embed with --index=faiss"):
        galleries.nearest(path, known, known.embeddings[0], 1, "faiss")


def test_an_index_of_another_gallery_or_file_is_refused(tmp_path):
    path, known = tmp_path / "gallery.npz", gallery(3)
    galleries.write_gallery(path, gallery(4), "faiss")
    with pytest.raises(ValueError, match=r"y\.faiss: Expected \(3, 8\)"):
        galleries.nearest(path, known, known.embeddings[0], 1, "faiss")
    path.with_suffix(".faiss").write_bytes(b"not an index, but as long as one")
    with pytest.raises(ValueError, match=r"y\.faiss: Expected an index"):
        galleries.nearest(path, known, known.embeddings[0], 1, "faiss")


def test_another_dimension_is_refused(tmp_path):
    with pytest.raises(ValueError, match=r"g\.npz: Expected .*\[n, 4\]"):
        galleries.nearest("g.npz", gallery(), np.ones(4), 1, "exact")


@pytest.mark.parametrize("contents", [b"", b"PK\3\4 cut", b"text"])
def test_another_file_is_refused(tmp_path, contents):
    path = tmp_path / "gallery.npz"
    path.write_bytes(contents)
    with pytest.raises(ValueError, match=r"gallery\.npz: Expected a NumPy"):
        galleries.read_gallery(path)
    np.savez(path, files=np.array(["a"]))
    with pytest.raises(ValueError, match="arrays files, embe.*Received: files"):
        galleries.read_gallery(path)


def test_a_gallery_of_nobody_is_refused(tmp_path):
    path = tmp_path / "gallery.npz"
    np.savez(path, files=np.array([], str), embeddings=np.zeros((0, 8)))
    with pytest.raises(ValueError, match=r"gallery\.npz: .*: 0 files and 0"):
        galleries.read_gallery(path)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"embeddings": np.eye(3).astype(str)}, r"shape \(3, 3\) and <U32"),
        ({"embeddings": np.eye(3) * 1j}, r"shape \(3, 3\) and complex128"),
        ({"embeddings": np.ones(3)}, r"shape \(3,\) and float64"),
        ({"embeddings": np.diag([1, np.nan, 1])}, "embedding of b that isn't"),
        ({"embeddings": np.eye(2)}, "3 files and 2 embeddings"),
        ({"files": ["a", "b", "a"]}, "each of files once. Received: a 2 times"),
        ({"files": [1, 2, 3]}, r"files \[n\], strings. .* and int64"),
    ],
)
def test_what_is_no_gallery_is_told(tmp_path, change, message):
    path = tmp_path / "gallery.npz"
    arrays = {"files": ["a", "b", "c"], "embeddings": np.eye(3), **change}
    np.savez(path, **arrays)
    with pytest.raises(ValueError, match=rf"gallery\.npz: Expected.*{message}"):
        galleries.read_gallery(path)


def test_an_array_that_nobody_asks_for_is_not_read(tmp_path):
    path = tmp_path / "gallery.npz"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        arrays = {"files": ["a"], "embeddings": np.ones((1, 2))}
        for name, array in {**arrays, "more": np.zeros(10**7)}.items():
            with archive.open(f"{name}.npy", "w") as file:
                np.lib.format.write_array(file, np.asarray(array))
    tracemalloc.start()
    galleries.read_gallery(path)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 10**7
