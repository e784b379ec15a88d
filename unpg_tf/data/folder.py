"""Image folders with a folder per identity, as LFW and ImageFolder have."""

import os
from typing import NamedTuple

import numpy as np

SUFFIXES = (".jpg", ".jpeg", ".png")


class ImageFolder(NamedTuple):
    """The images of a folder and who is in them.

    Attributes:
        paths: list of n file paths, grouped by identity, in sorted order.
        labels: [n] int32 array, indices into `names`.
        names: list of the identities' names, sorted.
    """

    paths: list
    labels: np.ndarray
    names: list


def read_folder(root, people=None, min_images=1, exclude=()):
    """Lists the images in `root/<identity>/<file>.jpg|jpeg|png`.

    Args:
        root: the folder that holds a folder per identity.
        people: names to restrict the identities to, such as those that
            `read_people` returns; None takes all. A name without a folder is
            passed over.
        min_images: identities of fewer images are left out.
        exclude: names of identities to leave out.

    Returns:
        An `ImageFolder`: `paths`, `labels` and `names`, the same in every run.

    Raises:
        FileNotFoundError: `root` is no folder, or holds no image.
        ValueError: `people`, `min_images` and `exclude` leave no identity.

    Example:
        >>> people = read_people("lfw/peopleDevTrain.txt")
        >>> folder = read_folder("lfw", people, min_images=2)
        >>> len(folder.names)
        1184
    """
    identities = _identities(root)
    if people is not None:
        listed = set(people)
        identities = {k: v for k, v in identities.items() if k in listed}
    left_out = set(exclude)
    identities = {k: v for k, v in identities.items() if k not in left_out}
    kept = {k: v for k, v in identities.items() if len(v) >= min_images}
    if not kept:
        among = "" if people is None else " among the listed people"
        raise ValueError(
            f"Expected an identity with at least min_images={min_images} "
            f"images in {root}{among}. Received: {len(identities)} "
            "identities with fewer."
        )
    paths = [path for name in kept for path in kept[name]]
    sizes = [len(files) for files in kept.values()]
    labels = np.repeat(np.arange(len(kept), dtype=np.int32), sizes)
    return ImageFolder(paths, labels, list(kept))


def _identities(root):
    """Sorted dictionary of identities to their sorted, non-empty files."""
    if not os.path.isdir(root):
        raise FileNotFoundError(
            "Expected a folder that holds a folder of images per identity. "
            f"Received: {root}"
        )
    with os.scandir(root) as entries:
        folders = sorted(entry.name for entry in entries if entry.is_dir())
    files = {name: _images(os.path.join(root, name)) for name in folders}
    files = {name: paths for name, paths in files.items() if paths}
    if not files:
        raise FileNotFoundError(
            f"Expected images as {root}/<identity>/<file> with a suffix of "
            f"{', '.join(SUFFIXES)}. Received: a folder without any."
        )
    return files


def _images(folder):
    names = os.listdir(folder)
    images = (name for name in names if name.lower().endswith(SUFFIXES))
    return [os.path.join(folder, name) for name in sorted(images)]
