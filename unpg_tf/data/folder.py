"""Image folders with a folder per identity, as LFW and ImageFolder have."""

import hashlib
import os
import time
from typing import NamedTuple

import numpy as np

from unpg_tf.data import left_out
from unpg_tf.data.selection import select
from unpg_tf.data.tables import cached

SUFFIXES = (".jpg", ".jpeg", ".png", ".bmp", ".gif")
_TICK = 2_000_000_000
# Of what is listed: an index of another is made anew.
_VERSION = "2"


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


def read_folder(
    root,
    people=None,
    min_images=1,
    exclude=(),
    index=None,
    on_left_out=None,
    progress=None,
    on_unaligned=None,
):
    """Lists the images in `root/<identity>/<file>.jpg|jpeg|png|bmp|gif`.

    Hidden folders and files, whose names begin with a dot, are passed over:
    notebooks and file managers leave them beside the images.

    Args:
        root: the folder that holds a folder per identity.
        people: names to restrict the identities to, such as those that
            `read_people` returns; None takes all. A name without a folder is
            passed over.
        min_images: identities of fewer images are left out.
        exclude: names of identities to leave out.
        index: path of a file to keep the list in, which spares listing
            millions of files at each start. It is made anew when a folder has
            changed since. None lists.
        on_left_out: callable of a message for each reason why files or
            identities are left out, or None. With an index, files in deeper
            folders are told as they were when it was made.
        progress: callable of the numbers of folders that are listed and of
            all, or None.
        on_unaligned: callable of a message where images aren't square or
            carry an orientation, or None. A thousand are looked at, evenly,
            when the folder is listed.

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
    if not os.path.isdir(root):
        raise FileNotFoundError(
            "Expected a folder that holds a folder of images per identity. "
            f"Received: {root}"
        )
    with os.scandir(root) as entries:
        folders = sorted(
            (e.name, e.stat())
            for e in entries
            if e.is_dir() and not e.name.startswith(".")
        )
    state = None if index is None else _state(root, folders)
    listed = cached(index, state, lambda: _listed(root, folders, progress))
    names, files = _split(listed["names"]), _split(listed["files"])
    for key, told in (("left", on_left_out), ("askew", on_unaligned)):
        for message in filter(None, _split(listed[key])):
            if told is not None:
                told(message)
    labels = np.repeat(np.arange(len(names)), listed["sizes"])
    rows, labels, names_left = select(
        labels,
        names,
        root,
        people=people,
        min_images=min_images,
        exclude=exclude,
        on_left_out=on_left_out,
    )
    paths = [
        os.path.join(root, names_left[label], files[row])
        for row, label in zip(rows, labels, strict=True)
    ]
    return ImageFolder(paths, labels, names_left)


def _state(root, folders):
    """What changes when a file comes or goes; None while it may yet."""
    times = [os.stat(root).st_mtime_ns, *(s.st_mtime_ns for _, s in folders)]
    # A file that comes within the clock's tick would leave no trace.
    if max(times) > time.time_ns() - _TICK:
        return None
    names = [_VERSION, *(name for name, _ in folders)]
    digest = hashlib.sha256(os.fsencode("\0".join(names)))
    digest.update(np.array(times, "<i8").tobytes())
    return digest.hexdigest()


def _listed(root, folders, progress):
    """The identities that have images, their numbers of files, the files."""
    files = {}
    for done, (name, _) in enumerate(folders, start=1):
        if images := _images(os.path.join(root, name)):
            files[name] = images
        if progress is not None:
            progress(done, len(folders))
    left = left_out.of_files(root, SUFFIXES)
    if not files:
        raise FileNotFoundError(
            f"Expected images as {root}/<identity>/<file> with a suffix of "
            f"{', '.join(SUFFIXES)}. Received: a folder without any"
            f"{', but ' if left else ''}{'; '.join(left)}."
        )
    paths = [os.path.join(root, n, f) for n, fs in files.items() for f in fs]
    sizes = [len(images) for images in files.values()]
    return {
        "names": _joined(files),
        "sizes": np.array(sizes, "<i8"),
        "left": _joined(left),
        "askew": _joined([left_out.of_shapes(paths)]),
        "files": _joined(
            image for images in files.values() for image in images
        ),
    }


def _images(folder):
    return sorted(filter(is_image, os.listdir(folder)))


def is_image(name):
    """Whether it is the name of an image, and not hidden.

    Args:
        name: path relative to the data set, with "/" between its parts.
    """
    return name.lower().endswith(SUFFIXES) and "/." not in f"/{name}"


def _joined(names):
    """Names as an array of bytes; the one byte that none has parts them."""
    return np.frombuffer(os.fsencode("\0".join(names)), np.uint8)


def _split(array):
    return os.fsdecode(array.tobytes()).split("\0")
