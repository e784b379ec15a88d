import hypothesis
import numpy as np
import pytest
from hypothesis import strategies as st

from unpg_tf.data.tables import cached
from unpg_tf.data.tables import read_table
from unpg_tf.data.tables import write_table

ARRAYS = {
    "labels": np.array([3, 1, 2], "<i4"),
    "offsets": np.array([2**40, 0], "<i8"),
    "text": np.frombuffer(b"some", np.uint8),
    "none": np.array([], "<i8"),
}


@pytest.fixture
def path(tmp_path):
    return tmp_path / "some.index"


def test_what_was_written_is_read(path):
    write_table(path, {"of": "this"}, ARRAYS)
    head, arrays = read_table(path)
    assert head == {"of": "this"}
    assert list(arrays) == list(ARRAYS)
    for name, array in ARRAYS.items():
        assert arrays[name].dtype == array.dtype
        np.testing.assert_array_equal(arrays[name], array)


@pytest.mark.parametrize(
    "contents",
    [
        b"",
        b"nothing",
        b"[]\n",
        b"[" * 100_000,
        b'{"head": {}, "columns": [["a", "<i8", 1000000000000]]}\n',
        b'{"head": {}, "columns": [["a", "<i8", -1]]}\n',
        b'{"head": {}, "columns": [["a", "|O", 0]]}\n',
        b'{"head": {}, "columns": [["a", "<i4", 1], ["b", "<i4", -1]]}\n',
    ],
)
def test_another_file_is_named(path, contents):
    path.write_bytes(contents)
    with pytest.raises(ValueError, match="some.index: Expected a table"):
        read_table(path)


def test_no_flipped_bit_changes_what_is_read(path):
    write_table(path, {"of": "this"}, ARRAYS)
    contents = path.read_bytes()
    for bit in range(8 * len(contents)):
        flipped = bytearray(contents)
        flipped[bit // 8] ^= 1 << bit % 8
        path.write_bytes(flipped)
        try:
            head, arrays = read_table(path)
        except ValueError as error:
            assert "some.index: Expected a table" in str(error)
            continue
        # What is left is the name of the checksum, which is optional.
        assert head == {"of": "this"}
        for name, array in ARRAYS.items():
            np.testing.assert_array_equal(arrays[name], array)


@hypothesis.settings(
    deadline=None,
    suppress_health_check=[hypothesis.HealthCheck.function_scoped_fixture],
)
@hypothesis.given(st.integers(0, 300), st.binary(max_size=9))
def test_damage_gives_arrays_or_a_value_error(path, at, damage):
    write_table(path, {"of": "this"}, ARRAYS)
    contents = path.read_bytes()
    at = min(at, len(contents))
    path.write_bytes(contents[:at] + damage + contents[at + len(damage) :])
    try:
        _, arrays = read_table(path)
    except ValueError as error:
        assert str(path) in str(error)
    else:
        assert sum(a.nbytes for a in arrays.values()) <= len(contents) + 9


def test_cached_makes_once_for_each_state(path):
    made = []

    def make():
        made.append(None)
        return {"count": np.array([len(made)], "<i8")}

    states = ["a", "a", "b", "b", None, "b"]
    counts = [int(cached(path, state, make)["count"][0]) for state in states]
    assert counts == [1, 1, 2, 2, 3, 2]


def test_a_table_that_cannot_be_kept_is_logged(tmp_path, caplog):
    (tmp_path / "file").touch()
    arrays = cached(tmp_path / "file" / "index", "a", lambda: ARRAYS)
    assert arrays is ARRAYS
    assert "index: not kept" in caplog.text
