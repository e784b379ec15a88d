"""MXNet's RecordIO files, read without MXNet."""

import os
import struct

from unpg_tf.data.text import is_whole

_MAGIC = 0xCED7230A
_SEPARATOR = struct.pack("<I", _MAGIC)
_HEAD = struct.Struct("<II")
_WHOLE, _FIRST, _MIDDLE, _LAST = range(4)
_LENGTH_BITS = 29


class RecordFile:
    """Reads the records of a `.rec` file, by their offsets or in sequence.

    A record is a head of two little-endian uint32 (a magic number; 3 bits of
    continuation and 29 of length), the payload, and zeros to a multiple of 4
    bytes. Where the payload holds the magic number the format cuts it there,
    into parts with a head each, and the number itself is left out. Nothing
    longer than the file is ever asked of memory.

    Args:
        path: the file.

    Raises:
        FileNotFoundError, PermissionError: `path` can't be read.

    Example:
        >>> with RecordFile("train.rec") as records:
        ...     first = records.read(0)

    Source: https://mxnet.apache.org/versions/1.9.1/api/architecture/note_data_loading
    """

    def __init__(self, path):
        self.path = os.fspath(path)
        self._file = open(self.path, "rb")  # noqa: SIM115
        self.size = os.fstat(self._file.fileno()).st_size

    def __enter__(self):
        """Returns the file itself."""
        return self

    def __exit__(self, *error):
        """Closes it."""
        self._file.close()

    def __iter__(self):
        """Yields the payload of every record, from the first to the last."""
        offset = 0
        while offset < self.size:
            payload, offset = self._record(offset)
            yield payload

    def read(self, offset):
        """Reads the record that starts at an offset.

        Args:
            offset: integer, in bytes.

        Returns:
            The payload, a byte string.

        Raises:
            ValueError: no whole record starts there; the message names the
                file and the offset.
        """
        return self._record(offset)[0]

    def peek(self, offset, length):
        """Reads the first bytes of the record, all its parts only if it must.

        Args:
            offset: integer, where the record starts, in bytes.
            length: integer.

        Returns:
            At most `length` bytes of the payload.

        Raises:
            ValueError: as in `read`.
        """
        kind, size, start = self._head(offset)
        if kind == _WHOLE:
            return self._bytes(start, min(size, length))
        return self.read(offset)[:length]

    def _record(self, offset):
        """The payload, and where the next record starts."""
        kind, size, start = self._head(offset)
        if kind not in (_WHOLE, _FIRST):
            raise self.error(offset, "a record's first part", f"part {kind}")
        parts, end = [self._bytes(start, size)], start + size + -size % 4
        while kind not in (_WHOLE, _LAST):
            kind, size, start = self._head(end)
            if kind not in (_MIDDLE, _LAST):
                raise self.error(end, "a record's next part", f"part {kind}")
            parts.append(self._bytes(start, size))
            end = start + size + -size % 4
        return _SEPARATOR.join(parts), end

    def _head(self, offset):
        """Continuation, length and start of the part at an offset."""
        if not 0 <= offset <= self.size - _HEAD.size:
            raise self.error(offset, "a record", f"a file of {self.size} bytes")
        magic, word = _HEAD.unpack(self._bytes(offset, _HEAD.size))
        if magic != _MAGIC:
            raise self.error(
                offset, f"the magic number {_MAGIC:#x}", f"{magic:#x}"
            )
        size = word & ((1 << _LENGTH_BITS) - 1)
        start = offset + _HEAD.size
        if start + size > self.size:
            raise self.error(
                offset,
                f"a record of {size} bytes",
                f"a file that ends after {self.size - start} of them",
            )
        return word >> _LENGTH_BITS, size, start

    def _bytes(self, start, length):
        read = os.pread(self._file.fileno(), length, start)
        if len(read) < length:
            raise self.error(start, f"{length} bytes", f"{len(read)}")
        return read

    def error(self, offset, expected, received):
        """A `ValueError` that names the file and the offset."""
        return ValueError(
            f"{self.path}, offset {offset}: Expected {expected}. "
            f"Received: {received}"
        )


def read_index(path):
    """Reads an `.idx` file, lines `key<TAB>offset`.

    Args:
        path: the file.

    Returns:
        Dictionary of integer keys to integer offsets, in the file's order.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: a line has another form, or a key or an offset stands
            twice; the message starts with `file:line`.
    """
    offsets, keys = {}, {}
    with open(path, "rb") as file:
        for number, line in enumerate(file, 1):
            fields = line.split(b"\t")
            texts = [field.strip().decode("latin-1") for field in fields]
            if [*map(is_whole, texts)] != [True, True]:
                raise ValueError(
                    f"{path}:{number}: Expected key<TAB>offset. "
                    f"Received: {line[:64]!r}"
                )
            key, offset = map(int, fields)
            if key in offsets:
                raise ValueError(
                    f"{path}:{number}: Expected every key once. Received: {key}"
                )
            if keys.setdefault(offset, key) != key:
                raise ValueError(
                    f"{path}:{number}: Expected every offset once. Received: "
                    f"{offset}, where the record of key {keys[offset]} starts"
                )
            offsets[key] = offset
    return offsets
