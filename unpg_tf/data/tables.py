"""Arrays in a file: the indices that spare a program a long look at its data.

A line of JSON says what follows it: the bytes of the arrays, one after the
other, and their checksum. Unlike NumPy's own format it can't ask for more
memory than the file has bytes.
"""

import json
import logging
import os
import zlib

import numpy as np

from unpg_tf.files import replaced

_TYPES = ("<i4", "<i8", "|u1")


def write_table(path, head, arrays):
    """Writes a table, whole or not at all.

    Args:
        path: the file.
        head: dictionary of what JSON can hold.
        arrays: dictionary of names to one-dimensional int32, int64 or uint8
            arrays.
    """
    columns = [[k, v.dtype.str, len(v)] for k, v in arrays.items()]
    stated = {"head": head, "columns": columns}
    stated["checksum"] = _checksum(stated, arrays)
    with replaced(path) as temporary, open(temporary, "wb") as file:
        line = json.dumps(stated)
        file.write(line.encode() + b"\n")
        for array in arrays.values():
            file.write(np.ascontiguousarray(array).data)


def read_table(path):
    """Reads what `write_table` wrote.

    Args:
        path: the file.

    Returns:
        head: dictionary.
        arrays: dictionary of names to arrays.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: it isn't such a table, or not the whole of one.
    """
    with open(path, "rb") as file:
        size = os.fstat(file.fileno()).st_size
        try:
            stated = json.loads(file.readline(min(size, 1 << 20)))
            head, columns = stated["head"], stated["columns"]
            dtypes = [
                (k, np.dtype(_TYPES[_TYPES.index(t)]), n) for k, t, n in columns
            ]
            total = sum(dtype.itemsize * n for _, dtype, n in dtypes)
            whole = size - file.tell() == total
            whole &= all(type(n) is int and n >= 0 for _, _, n in dtypes)
        except (
            AttributeError,
            IndexError,
            KeyError,
            MemoryError,
            RecursionError,
            TypeError,
            ValueError,
        ) as error:
            raise _no_table(path, error) from error
        if not whole:
            raise _no_table(path, f"{size} bytes")
        arrays = {
            name: np.fromfile(file, dtype, n) for name, dtype, n in dtypes
        }
    # Version 0.1 wrote none.
    checksum = stated.pop("checksum", None)
    if checksum not in (None, _checksum(stated, arrays)):
        raise _no_table(path, "another checksum: the file is damaged")
    return head, arrays


def cached(path, state, make):
    """Reads arrays from a table, or makes and writes them.

    Where the table can't be written, as on a read-only disk, the log says so
    and they are made anew each time.

    Args:
        path: the file.
        state: what JSON can hold, of what the arrays were made from: they are
            made anew when it has changed. None never reads nor writes.
        make: function that returns the dictionary of arrays.

    Returns:
        The dictionary of arrays.
    """
    if state is None:
        return make()
    try:
        head, arrays = read_table(path)
        if head == {"state": state, "checked": True}:
            return arrays
    except (OSError, ValueError):
        pass  # None yet, or not ours to trust: made anew.
    arrays = make()
    try:
        write_table(path, {"state": state, "checked": True}, arrays)
    except OSError as error:
        logging.getLogger("unpg_tf").warning("%s: not kept: %s", path, error)
    return arrays


def _checksum(stated, arrays):
    """The CRC-32 of all that a table holds."""
    checksum = zlib.crc32(json.dumps(stated).encode())
    for array in arrays.values():
        checksum = zlib.crc32(np.ascontiguousarray(array).data, checksum)
    return checksum


def _no_table(path, received):
    return ValueError(
        f"{path}: Expected a table that unpg_tf wrote. Received: {received}"
    )
