"""NumPy's archives, which may hold anything: one reader for all of them."""

import zipfile
from collections import Counter
from pathlib import Path

import numpy as np


def read_arrays(path, required, optional=()):
    """Reads some arrays of an `.npz` file, and no other.

    Args:
        path: the file.
        required: names of arrays.
        optional: names of arrays that the file may lack.

    Returns:
        Dictionary of names to arrays.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: the file is something else, or damaged, lacks an array, or
            has one twice, or Python objects in one, which could run code.

    Example:
        >>> np.savez("some.npz", a=[1, 2], b=[3])
        >>> read_arrays("some.npz", ["a"])
        {'a': array([1, 2])}
    """
    if not Path(path).is_file():
        raise FileNotFoundError(f"Expected an .npz file. Received: {path}")
    try:
        if not zipfile.is_zipfile(path):
            raise ValueError("no zip file")
        with np.load(path, allow_pickle=False) as archive:
            (name, count), *_ = Counter(archive.zip.namelist()).most_common(1)
            if count > 1:
                raise ValueError(f"{name} {count} times")
            known = archive.files
            arrays = {
                name: archive[name]
                for name in (*required, *optional)
                if name in known
            }
    # zipfile, zlib and NumPy have an exception each for broken files.
    except Exception as error:
        raise ValueError(
            f"{path}: Expected a NumPy archive. Received: {error!r}"
        ) from error
    if not arrays.keys() >= {*required}:
        raise ValueError(
            f"{path}: Expected the arrays {', '.join(required)}. "
            f"Received: {', '.join(known) or 'none'}"
        )
    return arrays


def expect_names(path, name, values):
    """Raises for what is no array of different strings.

    Args:
        path: the file.
        name: string, the array's.
        values: the array.

    Raises:
        ValueError: it has another form, or a string twice.
    """
    if values.ndim != 1 or values.dtype.kind not in "US":
        raise ValueError(
            f"{path}: Expected {name} [n], strings. Received: shape "
            f"{values.shape} and {values.dtype}"
        )
    found, counts = np.unique(values, return_counts=True)
    if (counts > 1).any():
        raise ValueError(
            f"{path}: Expected each of {name} once. Received: "
            f"{found[counts > 1][0]} {counts.max()} times"
        )
