"""What is in a folder of images and isn't read, and what is read askew."""

import collections
import os

import numpy as np

from unpg_tf.data.headers import HEAD
from unpg_tf.data.headers import read_header

# What `unpg align` reads beyond the images of a training.
_PHOTOS = (".heic", ".heif", ".jfif", ".jpe", ".webp")
_MOST = 1000
_HINT = "unpg align reads them"


def of_files(root, suffixes):
    """Tells what files of a data set aren't read, and in which depth.

    Args:
        root: folder with a folder per identity.
        suffixes: tuple of the endings that are read.

    Returns:
        List of messages.
    """
    endings, deep, example = collections.Counter(), 0, ""
    top = 0
    for parent, folders, names in os.walk(root):
        folders[:] = [name for name in folders if not name.startswith(".")]
        within = os.path.relpath(parent, root)
        depth = 0 if within == "." else within.count(os.sep) + 1
        for name in names:
            if name.startswith("."):
                continue
            is_read = name.lower().endswith(suffixes)
            if is_read and depth == 0:
                top += 1
            elif is_read and depth > 1:
                deep += 1
                example = example or within.replace(os.sep, "/")
            elif not is_read and depth > 0:
                ending = os.path.splitext(name)[1].lower()
                endings[ending or "no ending"] += 1
    return [*_endings(endings), *_depths(top, deep, example)]


def _endings(counts):
    if counts:
        listed = ", ".join(
            f"{number} {ending}" for ending, number in sorted(counts.items())
        )
        hint = f": {_HINT}" if {*counts} & {*_PHOTOS} else ""
        yield f"{_counted(sum(counts.values()), 'file')} ({listed}){hint}"


def _depths(top, deep, example):
    if top:
        yield f"{_counted(top, 'image')} in no folder"
    if deep:
        yield (
            f"{_counted(deep, 'image')} in folders within folders, such as "
            f"{example}: {_HINT}"
        )


def of_shapes(paths):
    """Tells how many images aren't square or are to be shown turned.

    Of many images a thousand are looked at, taken evenly.

    Args:
        paths: list of strings.

    Returns:
        A message; "" where there is nothing to tell.
    """
    rows = np.linspace(0, len(paths) - 1, min(_MOST, len(paths))).astype(int)
    askew = turned = 0
    for row in rows:
        header = _header(paths[row])
        if header is not None:
            askew += header.width != header.height
            turned += header.orientation > 1
    parts = []
    if askew:
        parts.append(f"{askew} aren't square, and are squeezed to be")
    if turned:
        parts.append(f"{turned} carry an orientation, which isn't applied")
    if not parts:
        return ""
    looked = f"of {_counted(len(rows), 'image')} looked at "
    return f"{looked}{'; '.join(parts)}: unpg align cuts faces out of photos"


def _header(path):
    try:
        with open(path, "rb") as file:
            return read_header(file.read(HEAD))
    except OSError:
        return None


def _counted(number, noun):
    return f"{number:,} {noun}{'' if number == 1 else 's'}"
