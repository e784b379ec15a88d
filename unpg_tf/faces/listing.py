"""The photos of a folder, and who is in them."""

import collections
import os
from pathlib import PurePosixPath
from typing import NamedTuple

from unpg_tf.faces.photos import is_photo

PEOPLE = ("first", "last", "none")


class Photos(NamedTuple):
    """What a folder holds.

    Attributes:
        files: list of paths relative to the folder, with "/", sorted.
        others: dictionary of endings to numbers of files that are no photos.
    """

    files: list
    others: dict


def list_photos(folder, without=()):
    """Lists the photos of a folder and of all folders within.

    Hidden folders and files, whose names begin with a dot, are passed over.
    Links to folders are followed, each folder once.

    Args:
        folder: string or path.
        without: paths of folders to pass over, such as that of the output.

    Returns:
        `Photos`.

    Raises:
        FileNotFoundError: there is no such folder.
    """
    if not os.path.isdir(folder):
        raise FileNotFoundError(
            f"Expected a folder of photos. Received: {folder}"
        )
    files, others = [], collections.Counter()
    seen = {os.path.realpath(path) for path in without}
    for parent, folders, names in os.walk(folder, followlinks=True):
        real = os.path.realpath(parent)
        if real in seen:
            folders.clear()
            continue
        seen.add(real)
        folders[:] = sorted(f for f in folders if not f.startswith("."))
        within = os.path.relpath(parent, folder)
        for name in names:
            path = PurePosixPath(within.replace(os.sep, "/"), name).as_posix()
            if is_photo(path):
                files.append(path)
            elif not name.startswith("."):
                others[PurePosixPath(name).suffix.lower() or "no ending"] += 1
    return Photos(sorted(files), dict(others))


def crop_path(file, person="first", suffix=".jpg"):
    """Where the crop of a photo goes.

    Args:
        file: path of the photo relative to its folder, with "/".
        person: which folder is the person's: the "first" or the "last" of
            the path; or "none", which keeps the folders as they are.
        suffix: string, the ending of the crop's name.

    Returns:
        A path relative to the output. The names of further folders go before
        the file's.

    Example:
        >>> crop_path("Ada/2024/1.HEIC"), crop_path("2024/Ada/1.png", "last")
        ('Ada/2024_1.jpg', 'Ada/2024_1.jpg')
    """
    *folders, name = PurePosixPath(file).parts
    stem = PurePosixPath(name).stem
    if person == "none" or not folders:
        return PurePosixPath(*folders, stem + suffix).as_posix()
    owner = folders.pop(0 if person == "first" else -1)
    return PurePosixPath(owner, "_".join([*folders, stem]) + suffix).as_posix()
