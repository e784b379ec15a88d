"""A gallery: the embeddings of known images, to search for the nearest."""

from pathlib import Path
from typing import NamedTuple

import numpy as np

from unpg_tf.files import replaced
from unpg_tf.npz_files import expect_names
from unpg_tf.npz_files import read_arrays

# How many of the nearest found so far the index goes on from. Of faiss' own 16
# a gallery of 100,000 misses a fifth of the nearest five, of these 2 in 1,000.
_CANDIDATES = 256


class Gallery(NamedTuple):
    """Known images.

    Attributes:
        files: [n] names.
        embeddings: [n, dim] float32 array of unit vectors.
    """

    files: np.ndarray
    embeddings: np.ndarray


def write_gallery(path, gallery, index):
    """Writes `FILE.npz`, and with `index` "faiss" `FILE.faiss` beside it.

    Args:
        path: the file to write.
        gallery: a `Gallery`.
        index: "exact" or "faiss".

    Raises:
        ImportError: faiss is missing.
    """
    made = _faiss_index(gallery) if index == "faiss" else None
    # An index of other images would answer with wrong names.
    _index_path(path).unlink(missing_ok=True)
    with replaced(path) as temporary, temporary.open("wb") as file:
        np.savez(file, **gallery._asdict())
    if made is not None:
        with replaced(_index_path(path)) as temporary:
            _faiss().write_index(made, str(temporary))


def read_gallery(path):
    """Reads what `write_gallery` has written.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: the file is something else.
    """
    gallery = Gallery(**read_arrays(path, Gallery._fields))
    expect_names(path, "files", gallery.files)
    shape, dtype = gallery.embeddings.shape, gallery.embeddings.dtype
    if len(shape) != 2 or dtype.kind != "f":
        raise _no_gallery(path, f"embeddings of shape {shape} and {dtype}")
    if not len(gallery.files) == len(gallery.embeddings) > 0:
        raise _no_gallery(
            path, f"{len(gallery.files)} files and {shape[0]} embeddings"
        )
    wrong = ~np.isfinite(gallery.embeddings).all(axis=1)
    if wrong.any():
        raise _no_gallery(
            path,
            f"an embedding of {gallery.files[np.argmax(wrong)]} that isn't "
            "finite",
        )
    return gallery


def _no_gallery(path, received):
    return ValueError(
        f"{path}: Expected a gallery, as embed writes it. Received: {received}"
    )


def nearest(path, gallery, embedding, count, index):
    """Finds the images that are most similar to one.

    Args:
        path: where the gallery lies, for the index beside it.
        gallery: a `Gallery`.
        embedding: [dim] float array of unit length.
        count: integer, how many to find.
        index: "exact" compares with all; "faiss" asks the index, which may
            miss one.

    Returns:
        A tuple of [k] integer rows of the gallery, and [k] float cosines,
        highest first; k is `count`, or less where the gallery has fewer.

    Raises:
        FileNotFoundError: there is no index.
        ImportError: faiss is missing.
        ValueError: the gallery has embeddings of another dimension.
    """
    if gallery.embeddings.shape[1:] != embedding.shape:
        raise ValueError(
            f"{path}: Expected embeddings of shape [n, {len(embedding)}], as "
            f"the model gives. Received: {list(gallery.embeddings.shape)}"
        )
    count = min(count, len(gallery.files))
    if index == "faiss":
        found = _stored_index(path, gallery).search(embedding[None], count)
        cosines, rows = (array[0][found[1][0] >= 0] for array in found)
    else:
        cosines = gallery.embeddings @ embedding
        rows = np.argpartition(-cosines, count - 1)[:count]
        cosines = cosines[rows]
    order = np.argsort(-cosines, kind="stable")
    return rows[order], cosines[order]


def _faiss_index(gallery):
    """A graph of neighbours (HNSW), 32 for each embedding."""
    faiss = _faiss()
    # The inner product of unit vectors is their cosine.
    made = faiss.IndexHNSWFlat(
        gallery.embeddings.shape[1], 32, faiss.METRIC_INNER_PRODUCT
    )
    made.hnsw.efSearch = _CANDIDATES
    made.add(np.ascontiguousarray(gallery.embeddings))
    return made


def _stored_index(path, gallery):
    faiss, path = _faiss(), _index_path(path)
    if not path.is_file():
        raise FileNotFoundError(
            f"Expected an index: embed with --index=faiss. Received: {path}"
        )
    try:
        stored = faiss.read_index(str(path))
    except RuntimeError as error:
        raise ValueError(
            f"{path}: Expected an index of faiss. Received: another file"
        ) from error
    if (stored.ntotal, stored.d) != gallery.embeddings.shape:
        raise ValueError(
            f"{path}: Expected {gallery.embeddings.shape} embeddings: embed "
            f"again with --index=faiss. Received: {(stored.ntotal, stored.d)}"
        )
    return stored


def _index_path(path):
    return Path(path).with_suffix(".faiss")


def _faiss():
    try:
        import faiss
    except ImportError as error:
        raise ImportError(
            'Expected the package faiss: pip install "unpg-tf[client]". '
            f"Received: {error}"
        ) from error
    return faiss
