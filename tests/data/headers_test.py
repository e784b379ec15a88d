"""Sizes and orientations of image files, without decoding them."""

import io

import pytest
from PIL import Image

from unpg_tf.data.headers import read_header


def contents(kind, exif=None, **options):
    buffer = io.BytesIO()
    extra = {} if exif is None else {"exif": exif}
    Image.new("RGB", (50, 30)).save(buffer, kind, **extra, **options)
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("kind", "options"),
    [
        ("JPEG", {}),
        ("JPEG", {"progressive": True, "comment": b"\xff\xc0" * 99}),
        ("PNG", {}),
        ("BMP", {}),
        ("GIF", {}),
    ],
)
def test_sizes(kind, options):
    whole = contents(kind, **options)
    assert read_header(whole) == (50, 30, 1)
    # Cut anywhere it is the same, or none.
    for end in range(len(whole)):
        assert read_header(whole[:end]) in (None, (50, 30, 1))


@pytest.mark.parametrize("order", [b"II*\0", b"MM\0*"])
def test_orientations(order):
    exif = Image.Exif()
    exif[0x010F] = "a camera, whose name is long enough to be elsewhere"
    for orientation in range(1, 9):
        exif[0x0112] = orientation
        exif.endian = "<" if order[:1] == b"I" else ">"
        found = read_header(contents("JPEG", exif))
        assert found == (50, 30, orientation)
    exif[0x0112] = 77
    assert read_header(contents("JPEG", exif)).orientation == 1
    broken = contents("JPEG", b"Exif\0\0" + order + b"\xff" * 9)
    assert read_header(broken) == (50, 30, 1)


def test_what_is_none():
    for other in (b"", b"no image", b"\xff\xd8 \xff" * 9, b"\x89PNG\r\n\x1a\n"):
        assert read_header(other) is None
