import os
import pickle
import struct
import tracemalloc

import numpy as np
import pytest

from unpg_tf.evaluation import read_bin

IMAGES = [bytes([i, 255, 0]) + b"\0" * (i % 3) for i in range(46)]
SAME = [i % 2 == 0 for i in range(23)]


def read(tmp_path, contents):
    path = tmp_path / "set.bin"
    path.write_bytes(contents)
    return read_bin(path)


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
@pytest.mark.parametrize("kind", ["bytes", "arrays", "scalars"])
def test_reads_what_every_protocol_wrote(tmp_path, protocol, kind):
    images, same = IMAGES, SAME
    if kind == "arrays":
        images = [np.frombuffer(image, np.uint8) for image in IMAGES]
        same = np.array(SAME)
    if kind == "scalars":
        same = [np.bool_(value) for value in SAME]
    pairs = read(tmp_path, pickle.dumps((images, same), protocol))
    assert list(pairs.images) == IMAGES
    assert pairs.same.tolist() == SAME
    assert pairs.left.tolist() == list(range(0, 46, 2))
    assert pairs.right.tolist() == list(range(1, 46, 2))
    # 23 pairs: three folds of three, then seven of two.
    assert np.bincount(pairs.fold).tolist() == [3] * 3 + [2] * 7
    assert (np.diff(pairs.fold) >= 0).all()


def test_reads_byte_strings_of_python_2(tmp_path):
    strings = b"".join(b"U" + bytes([len(i)]) + i for i in IMAGES)
    kinds = b"".join(b"\x88" if same else b"\x89" for same in SAME)
    contents = b"\x80\x02](" + strings + b"e](" + kinds + b"e\x86."
    assert list(read(tmp_path, contents).images) == IMAGES


class Malicious:
    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return os.mkdir, (self.path,)


@pytest.mark.parametrize("protocol", [0, 2, 4])
def test_a_malicious_pickle_is_refused_and_does_not_run(tmp_path, protocol):
    trap = tmp_path / "trap"
    contents = pickle.dumps((IMAGES, Malicious(str(trap))), protocol)
    with pytest.raises(ValueError, match=r"set.bin: .*Received: \w+.mkdir"):
        read(tmp_path, contents)
    assert not trap.exists()


def test_ascii_arrays_of_a_protocol_that_encodes(tmp_path):
    images = [np.full(1000, ord("a"), np.uint8) for _ in IMAGES]
    contents = pickle.dumps((images, SAME), 2)
    assert list(read(tmp_path, contents).images) == [b"a" * 1000] * 46


LONG = 1 << 16
ARRAY = (
    b"cnumpy.core.multiarray\n_reconstruct\n)R(NNcnumpy\ndtype\nU\x02u1\x85RN"
)
LONG_BYTEARRAY = b"\x96" + struct.pack("<Q", LONG) + b"x" * LONG + b"q\x01"
LONG_TEXT = b"X" + struct.pack("<I", LONG) + b"x" * LONG + b"q\x01"
ENCODED = b"c_codecs\nencode\n%bU\x06latin1\x86R"


@pytest.mark.parametrize(
    "first, repeated, message",
    [
        (LONG_BYTEARRAY, b"h\x01", "image 0"),
        (ARRAY + LONG_BYTEARRAY + b"tb", ARRAY + b"h\x01tb", "more"),
        (ENCODED % LONG_TEXT, ENCODED % b"h\x01", "more"),
        (ARRAY + b"I99999999\ntb", b"", "int"),
    ],
)
def test_memory_follows_the_size_of_the_pickle(
    tmp_path, first, repeated, message
):
    pairs = 1000
    images = b"](" + first + repeated * (2 * pairs - 1) + b"e"
    same = b"](" + b"\x88\x89" * (pairs // 2) + b"e"
    contents = b"\x80\x05" + images + same + b"\x86."
    tracemalloc.start()
    with pytest.raises(ValueError, match=f"set.bin: .*Received: .*{message}"):
        read(tmp_path, contents)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 16 * len(contents)


@pytest.mark.parametrize(
    "contents, message",
    [
        (pickle.dumps({"a": 1}), "EMPTY_DICT"),
        # What NumPy's name stands for, made to call itself.
        (b"\x80\x02cnumpy\ndtype\nq\x00(h\x00)NNtb)R.", "not a dictionary"),
        (pickle.dumps((IMAGES, np.ones(23))), "answers. Received: dtype 'f8'"),
        (pickle.dumps((IMAGES, SAME[1:])), "46 images and 22 pairs"),
        (pickle.dumps(([], [])), "0 images and 0 pairs"),
        (pickle.dumps((IMAGES, SAME))[:-9], "set.bin: "),
        (b"", "set.bin: Expected a whole pickle"),
        (b"PK\x03\x04\x8e\xd5", "set.bin: Expected a whole pickle"),
        # A length, and a memo, that would fill the memory.
        (b"\x80\x04\x8e" + struct.pack("<Q", 1 << 40) + b".", "set.bin: "),
        (b"\x80\x02]r\xff\xff\xff\x7f.", "Expected a memo below"),
    ],
)
def test_refuses_other_files(tmp_path, contents, message):
    with pytest.raises(ValueError, match=message):
        read(tmp_path, contents)


def test_names_a_missing_file(tmp_path):
    with pytest.raises(FileNotFoundError, match="Expected a .bin file"):
        read_bin(tmp_path / "none.bin")


def test_a_damaged_file_is_read_or_refused(tmp_path):
    contents = pickle.dumps((IMAGES, np.array(SAME)), 2)
    rng = np.random.default_rng(0)
    for _ in range(300):
        damaged = bytearray(contents)
        for place in rng.integers(0, len(damaged), 3):
            damaged[place] = rng.integers(256)
        try:
            read(tmp_path, bytes(damaged))
        except ValueError as error:
            assert "set.bin: Expected" in str(error)
