"""What the head of an image file says: its size, and how it was turned."""

import struct
from typing import NamedTuple

# Bytes of a file that are looked at. A JPEG's size comes after its metadata,
# which are at most as long each.
HEAD = 1 << 17
_PNG = b"\x89PNG\r\n\x1a\n"
_ORIENTATION = 0x0112
# Segments of a JPEG that hold its size: start of frame, but for three others.
_FRAMES = {*range(0xC0, 0xD0)} - {0xC4, 0xC8, 0xCC}


class Header(NamedTuple):
    """What an image file says of itself.

    Attributes:
        width: integer, in pixels.
        height: integer, in pixels.
        orientation: integer, EXIF's: 1 where it is to be shown as it is
            stored, up to 8.
    """

    width: int
    height: int
    orientation: int


def read_header(contents):
    """Reads the head of an image file, without decoding it.

    Args:
        contents: bytes, the first `HEAD` of a JPEG, PNG, BMP or GIF file.

    Returns:
        `Header`; None where it is no such file, or its size comes later.

    Example:
        >>> with open("photo.jpg", "rb") as file:
        ...     read_header(file.read(HEAD))
        Header(width=4032, height=3024, orientation=6)
    """
    try:
        if contents[:2] == b"\xff\xd8":
            return _jpeg(contents)
        if contents[:8] == _PNG:
            return Header(*struct.unpack(">II", contents[16:24]), 1)
        if contents[:4] == b"GIF8":
            return Header(*struct.unpack("<HH", contents[6:10]), 1)
        if contents[:2] == b"BM":
            width, height = struct.unpack("<ii", contents[18:26])
            # Below 0 where the rows begin at the top.
            return Header(width, abs(height), 1)
    except (IndexError, struct.error):
        pass
    return None


def _jpeg(contents):
    place, orientation = 2, 1
    while True:
        if contents[place] != 0xFF:
            return None
        marker = contents[place + 1]
        if marker == 0xFF:  # Filling.
            place += 1
            continue
        (length,) = struct.unpack(">H", contents[place + 2 : place + 4])
        segment = contents[place + 4 : place + 2 + length]
        if marker in _FRAMES:
            height, width = struct.unpack(">HH", segment[1:5])
            return Header(width, height, orientation)
        if marker == 0xE1 and segment[:6] == b"Exif\0\0":
            orientation = _orientation(segment[6:])
        place += 2 + length


def _orientation(tiff):
    """EXIF's orientation; 1 where it says none."""
    order = {b"II": "<", b"MM": ">"}.get(tiff[:2])
    if order is None:
        return 1
    try:
        (start,) = struct.unpack(f"{order}I", tiff[4:8])
        (count,) = struct.unpack(f"{order}H", tiff[start : start + 2])
        for i in range(count):
            entry = tiff[start + 2 + 12 * i : start + 14 + 12 * i]
            tag, _, _, value = struct.unpack(f"{order}HHIH2x", entry)
            if tag == _ORIENTATION:
                return value if 1 <= value <= 8 else 1
    except struct.error:
        pass
    return 1
