"""Embeddings in files: evaluated without the model, and computed once."""

import hashlib
import os
from pathlib import Path

import numpy as np

from unpg_tf.files import replaced
from unpg_tf.npz_files import expect_names
from unpg_tf.npz_files import read_arrays


class StoredEmbeddings:
    """Embeddings from a file, called as an `Embedder` is.

    The file is a NumPy archive of `embeddings`, [n, dim] and of any length;
    `names`, [n] strings, where they aren't in the order of the images that
    will be asked for; and `flip`, whether the flip test is in them. A name is
    an image's path under `root`, or the SHA-256 of its bytes or pixels.

    Args:
        path: the `.npz` file; `write_embeddings` and `CachedEmbedder` write
            such.
        root: the folder of the images.

    Attributes:
        embeddings: [n, dim] float array, as in the file.
        flip: as in the file; None where it doesn't say.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: the file holds something else.

    Example:
        >>> np.savez("lfw.npz", embeddings=embeddings, names=names)
        >>> embedder = StoredEmbeddings("lfw.npz", root="lfw")
        >>> evaluate_pairs(embedder, read_pairs("lfw/pairs.txt", root="lfw"))
    """

    def __init__(self, path, root="."):
        self.path = path
        self.root = root
        parts = read_arrays(path, ["embeddings"], ["names", "flip"])
        self.embeddings = parts["embeddings"]
        self._names = parts.get("names")
        if self.embeddings.ndim != 2 or self.embeddings.dtype.kind not in "fiu":
            raise ValueError(
                f"{path}: Expected embeddings [n, dim], floats. "
                f"Received: shape {self.embeddings.shape} and "
                f"{self.embeddings.dtype}"
            )
        if self._names is not None and self._names.shape != (
            len(self.embeddings),
        ):
            raise ValueError(
                f"{path}: Expected names [{len(self.embeddings)}]. "
                f"Received: shape {self._names.shape}"
            )
        if self._names is not None:
            expect_names(path, "names", self._names)
        flip = parts.get("flip")
        if flip is not None and (flip.shape != () or flip not in (0, 1)):
            raise ValueError(
                f"{path}: Expected flip, True or False. "
                f"Received: shape {flip.shape} and {flip.dtype}"
            )
        self.flip = None if flip is None else bool(flip)

    def __call__(self, images, verbose=0, landmarks=None):
        """Looks images up, as `Embedder` embeds them: [n, dim].

        Raises:
            ValueError: an image has no embedding in the file.
        """
        del verbose, landmarks
        if self._names is None:
            if len(images) != len(self.embeddings):
                raise ValueError(
                    f"{self.path}: Expected {len(images)} embeddings, or "
                    f"names beside them. Received: {len(self.embeddings)}"
                )
            return self.embeddings
        rows = {name: row for row, name in enumerate(self._names.tolist())}
        names = image_names(images, self.root)
        missing = [name for name in names if name not in rows]
        if missing:
            raise ValueError(
                f"{self.path}: Expected an embedding of each image. Received: "
                f"none of {len(missing)} of them, such as {missing[0]}"
            )
        return self.embeddings[[rows[name] for name in names]]


class CachedEmbedder:
    """Embeds images once: what it computed stays in a folder of files.

    A file is named after the fingerprints of the model and of the images, so
    that another model, or images that changed, get another one.

    Args:
        embedder: an `Embedder`.
        folder: where to keep the files; made where it is missing.
        model: path of the model's file or folder.
        root: the folder of the images.

    Attributes:
        flip: the embedder's.

    Example:
        >>> embedder = Embedder(load_model("model.keras"), unit_length=False)
        >>> embedder = CachedEmbedder(embedder, "cache", "model.keras", "lfw")
    """

    def __init__(self, embedder, folder, model, root="."):
        self.embedder = embedder
        self.folder = Path(folder)
        self.root = root
        self.flip = embedder.flip
        self.image_size = embedder.image_size
        self._model = _file_fingerprint(Path(model))

    def __call__(self, images, verbose=0, landmarks=None):
        """Embeds images as `Embedder` does, or reads what that gave before."""
        names = image_names(images, self.root)
        path = self.folder / f"{self._key(images, names, landmarks)}.npz"
        known = path.is_file()
        if verbose:
            print(f"embeddings {'from' if known else 'into'} {path}")
        if known:
            return StoredEmbeddings(path, self.root)(images)
        embeddings = self.embedder(images, verbose, landmarks)
        write_embeddings(path, embeddings, names, self.flip)
        return embeddings

    def _key(self, images, names, landmarks):
        digest = hashlib.sha256(self._model.encode())
        settings = self.flip, self.image_size, self.embedder.unit_length
        digest.update(repr(settings).encode())
        digest.update("\n".join(names).encode())
        if images.ndim == 1 and images.dtype != object:
            states = [os.stat(path) for path in images.tolist()]
            states = [(state.st_size, state.st_mtime_ns) for state in states]
            digest.update(repr(states).encode())
        if landmarks is not None:
            digest.update(np.ascontiguousarray(landmarks).tobytes())
        return digest.hexdigest()[:24]


def write_embeddings(path, embeddings, names, flip):
    """Writes embeddings for `StoredEmbeddings`, whole or not at all.

    Args:
        path: the `.npz` file to write; missing folders are made.
        embeddings: [n, dim] float array.
        names: [n] strings, as `image_names` gives.
        flip: whether the flip test is in them.
    """
    with replaced(path) as temporary, temporary.open("wb") as file:
        np.savez(file, embeddings=embeddings, names=np.array(names), flip=flip)


def image_names(images, root="."):
    """Names images for a file of embeddings.

    Args:
        images: as in `Embedder`.
        root: the folder of the images.

    Returns:
        List of n strings: paths under `root`, or the SHA-256 of the images'
        bytes or pixels.
    """
    if images.ndim == 1 and images.dtype != object:
        return [Path(os.path.relpath(path, root)).as_posix() for path in images]
    contents = images if images.ndim == 1 else map(np.ascontiguousarray, images)
    return [hashlib.sha256(content).hexdigest() for content in contents]


def _file_fingerprint(path):
    """The SHA-256 of a file, or of all files of a folder and their names."""
    files = sorted(path.rglob("*")) if path.is_dir() else [path]
    digest = hashlib.sha256()
    for file in files:
        if file.is_file():
            digest.update(f"\n{file.relative_to(path)}\n".encode())
            with file.open("rb") as contents:
                for chunk in iter(lambda: contents.read(1 << 20), b""):  # noqa: B023
                    digest.update(chunk)
    return digest.hexdigest()
