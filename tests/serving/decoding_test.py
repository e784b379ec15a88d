"""Decoding of image files, among them hostile ones."""

import struct
import zlib

import numpy as np
import pytest
import tensorflow as tf

from unpg_tf.data.synthetic import draw
from unpg_tf.serving.decoding import MAX_PIXELS
from unpg_tf.serving.decoding import MAX_SCANNED_PIXELS
from unpg_tf.serving.decoding import _check_cost
from unpg_tf.serving.decoding import decode_images

SIZE = 24

decode = tf.function(
    lambda contents: decode_images(contents, SIZE),
    input_signature=[tf.TensorSpec([None], tf.string)],
)


@pytest.fixture(scope="module")
def images():
    return draw([0, 1], [0, 0], SIZE)


def png(image):
    return tf.io.encode_png(image).numpy()


def jpeg(image):
    return tf.io.encode_jpeg(image, quality=95).numpy()


def chunk(kind, data):
    return (
        struct.pack(">I", len(data))
        + kind
        + data
        + struct.pack(">I", zlib.crc32(kind + data))
    )


def blank_png(width, height):
    """A true grey PNG, a bit for each pixel: black compresses to nothing."""
    rows = zlib.compressobj(9)
    row = bytes(1 + -(-width // 8))
    data = b"".join(rows.compress(row) for _ in range(height)) + rows.flush()
    header = struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0)
    parts = chunk(b"IHDR", header) + chunk(b"IDAT", data) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + parts


def test_each_file_keeps_its_place(images):
    files = [png(images[0]), b"x", png(images[1]), b"", b"\xff\xd8\xff"]
    got, valid = decode(files)
    np.testing.assert_array_equal(valid, [True, False, True, False, False])
    np.testing.assert_array_equal(got[0], images[0])
    np.testing.assert_array_equal(got[2], images[1])
    assert not np.any(got.numpy()[[1, 3, 4]])


def test_none_valid_and_none_at_all():
    got, valid = decode([b"x", b"y"])
    assert not np.any(valid) and got.shape == (2, SIZE, SIZE, 3)
    got, valid = decode(tf.constant([], tf.string))
    assert valid.shape == (0,) and got.shape == (0, SIZE, SIZE, 3)


def test_sixteen_bits_lose_the_lower_eight(images):
    deep = images[0].astype(np.uint16) * 256 + 7
    grey_alpha = np.stack([deep[..., 0], deep[..., 1]], axis=-1)
    got, valid = decode([png(deep), png(grey_alpha)])
    assert np.all(valid)
    np.testing.assert_array_equal(got[0], images[0])
    grey = np.repeat(images[0][..., :1], 3, axis=-1)
    np.testing.assert_array_equal(got[1], grey)


def test_exif_rotation_is_left_alone(images):
    plain = jpeg(images[0])
    # One entry: orientation (0x0112), a short, 6: turn by 90 degrees.
    tiff = b"MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\x06\0\0\0\0\0\0"
    exif = b"Exif\0\0" + tiff
    segment = b"\xff\xe1" + struct.pack(">H", len(exif) + 2) + exif
    got, valid = decode([plain[:2] + segment + plain[2:], plain])
    assert np.all(valid)
    np.testing.assert_array_equal(got[0], got[1])


@pytest.mark.parametrize("encode", [png, jpeg])
def test_cut_files_fail_no_other(images, encode):
    file = encode(images[0])
    cuts = range(0, len(file) // 2, 7)
    files = [file[:cut] for cut in cuts] + [file]
    got, valid = decode(files)
    np.testing.assert_array_equal(valid, [False] * len(cuts) + [True])
    np.testing.assert_array_equal(got[-1], tf.io.decode_image(file))


def test_flipped_bytes_fail_no_other(images):
    rng = np.random.default_rng(5)
    files = []
    for encode in (png, jpeg):
        for _ in range(60):
            file = bytearray(encode(images[0]))
            for index in rng.integers(len(file), size=3):
                file[index] = rng.integers(256)
            files.append(bytes(file))
    got, valid = decode([*files, png(images[1])])
    np.testing.assert_array_equal(got[-1], images[1])
    assert valid[-1] and not np.all(valid)


def test_other_formats_are_refused():
    gif = bytes.fromhex(
        "47494638396101000100800000000000ffffff21f90401000000002c0000000001"
        "0001000002024401003b"
    )
    assert tf.io.decode_image(gif).shape[-1] == 3
    assert not np.any(decode([gif])[1])


def test_the_limit_is_on_pixels_not_on_bytes():
    side = int(MAX_PIXELS**0.5)
    files = [
        blank_png(1, 100_000),
        blank_png(side, side),
        blank_png(side, side + 1),
    ]
    np.testing.assert_array_equal(decode(files)[1], [True, True, False])


def test_bombs_are_refused_though_they_decode():
    jpeg_side = int(MAX_PIXELS**0.5) + 1
    files = [
        blank_png(1000, MAX_PIXELS // 1000 + 1),
        blank_png(MAX_PIXELS // 1000 + 1, 1000),
        jpeg(np.zeros((jpeg_side, jpeg_side, 1), np.uint8)),
    ]
    for file in files:
        # A true image: nothing but its size speaks against it.
        assert tf.size(tf.io.decode_image(file)) > MAX_PIXELS
    assert not np.any(decode(files)[1])


def scanned(image, scans):
    """A progressive JPEG whose last scan stands there again and again."""
    file = tf.io.encode_jpeg(image, progressive=True).numpy()
    last = file.rindex(b"\xff\xda")
    end = file.rindex(b"\xff\xd9")
    usual = file.count(b"\xff\xda")
    return file[:end] + file[last:end] * (scans - usual) + file[end:]


def test_scans_count_as_the_pixels_that_they_pass_over():
    side = int(MAX_PIXELS**0.5) // 8
    image = np.zeros((side, side, 1), np.uint8)
    most = MAX_SCANNED_PIXELS // side**2
    files = [scanned(image, 12), scanned(image, most + 1)]
    for file in files:  # Nothing but its scans speaks against it.
        assert tf.io.extract_jpeg_shape(file)[0] == side
    np.testing.assert_array_equal(decode(files)[1], [True, False])
    small = scanned(image[:64, :64], 100)
    np.testing.assert_array_equal(decode([small])[1], [True])


def test_a_bomb_cannot_hide_behind_another_chunk():
    side = int(MAX_PIXELS**0.5) + 1
    file = blank_png(side, side)
    # A chunk that no decoder knows, whose contents read as 8 x 8.
    disguised = file[:8] + chunk(b"teSt", struct.pack(">II", 8, 8)) + file[8:]
    assert tf.size(tf.io.decode_image(disguised)) > MAX_PIXELS
    assert not np.any(decode([disguised])[1])


def test_the_header_alone_refuses_a_bomb():
    # Sides whose product overflows 32 or 64 bits, and no pixels to decode.
    start = blank_png(8, 8)
    sides = [(100_000, 100_000), (2**31 - 1, 2**31 - 1), (2**32 - 1, 2**32 - 1)]
    files = [
        start[:16] + struct.pack(">II", *side) + start[24:] for side in sides
    ]
    tall = jpeg(np.zeros((8, 8, 3), np.uint8))
    frame = tall.index(b"\xff\xc0")
    large = struct.pack(">HH", 65_000, 65_000)
    files.append(tall[: frame + 5] + large + tall[frame + 9 :])
    for file in files:
        with pytest.raises(
            tf.errors.InvalidArgumentError, match="fewer pixels"
        ):
            _check_cost(file)
    without_width = start[:16] + struct.pack(">II", 0, 9) + start[24:]
    assert not np.any(decode([*files, without_width])[1])
