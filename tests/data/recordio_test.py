import hypothesis
import pytest
from hypothesis import strategies as st

from tests.data import records
from unpg_tf.data import RecordFile
from unpg_tf.data import read_index

MAGIC = records.MAGIC
PAYLOADS = [
    b"abcd" + MAGIC + b"efgh" + MAGIC + b"ij",
    b"x" * 7,
    MAGIC,
    b"",
    MAGIC + MAGIC,
]


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    return tmp_path_factory.mktemp("records") / "some.rec"


def test_in_sequence_and_by_offset(path):
    written = [records.record(payload) for payload in PAYLOADS]
    path.write_bytes(b"".join(written))
    with RecordFile(path) as file:
        assert list(file) == PAYLOADS
        for i, payload in enumerate(PAYLOADS):
            offset = sum(map(len, written[:i]))
            assert file.read(offset) == payload
            assert file.peek(offset, 6) == payload[:6]


@pytest.mark.parametrize(
    ("contents", "message"),
    [
        (b"none", "offset 0: Expected a record. Received: a file of 4 bytes"),
        (b"\0" * 8, "offset 0: Expected the magic number 0xced7230a"),
        (MAGIC + b"\xff\xff\xff\x1f", "a file that ends after 0 of them"),
        (MAGIC + b"\0\0\0\x60", "a record's first part. Received: part 3"),
        (records.record(MAGIC)[:8], "offset 8: Expected a record"),
        (records.record(MAGIC)[:8] + records.record(b""), "next part"),
    ],
)
def test_broken_records_are_named(path, contents, message):
    path.write_bytes(contents)
    with RecordFile(path) as file, pytest.raises(ValueError) as error:
        list(file)
    assert str(path) in str(error.value)
    assert message in str(error.value)


@hypothesis.given(
    st.lists(st.sampled_from([*PAYLOADS, b"a" * 9])),
    st.integers(0, 99),
    st.binary(max_size=9),
)
def test_damage_gives_records_or_a_value_error(path, payloads, at, damage):
    contents = b"".join(map(records.record, payloads))
    at = min(at, len(contents))
    path.write_bytes(contents[:at] + damage + contents[at + len(damage) :])
    with RecordFile(path) as file:
        try:
            read = list(file)
        except ValueError as error:
            assert str(path) in str(error)
        else:
            assert sum(map(len, read)) <= file.size


def test_index(tmp_path):
    path = tmp_path / "some.idx"
    path.write_text("0\t0\n2\t40\n")
    assert read_index(path) == {0: 0, 2: 40}
    for text, message in {
        "0\t0\n1\n": ":2: Expected key<TAB>offset",
        "0\t-4\n": ":1: Expected key<TAB>offset",
        f"0\t{'9' * 5000}": ":1: Expected key<TAB>offset",
        f"{2**63}\t0\n": ":1: Expected key<TAB>offset",
        "0\t0\n0\t4\n": ":2: Expected every key once. Received: 0",
        "0\t0\n5\t8\n6\t8\n": ":3: .* offset once. Received: 8, .* key 5",
    }.items():
        path.write_text(text)
        with pytest.raises(ValueError, match=message):
            read_index(path)
