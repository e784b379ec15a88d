import pytest

from unpg_tf import json_files

TOO_LONG = "9" * 5000


@pytest.fixture
def path(tmp_path):
    return tmp_path / "some.json"


def test_an_object_is_read(path):
    path.write_text('{"threshold": -0.25, "name": "Zo\u00eb", "none": null}')
    assert json_files.read_object(path) == {
        "threshold": -0.25,
        "name": "Zo\u00eb",
        "none": None,
    }


@pytest.mark.parametrize(
    ("content", "received"),
    [
        (b"", "Expecting value"),
        (b"[1]", r"\[1\]"),
        (b"3", "3"),
        (b'{"a": NaN}', "NaN"),
        (b'{"a": -Infinity}', "-Infinity"),
        (b'{"a": 1e999}', "beyond all floats"),
        (f'{{"a": {TOO_LONG}}}'.encode(), "digits"),
        (b'{"a": 1, "a": 2}', "'a' twice"),
        (b'{"a": ' + b"[" * 100_000, "nested too deep"),
        ('{"a": "\u00eb"}'.encode("latin-1"), "utf-8|decode"),
        (b'{"a": "' + bytes([7]) + b'"}', "control character"),
    ],
)
def test_what_is_no_object_is_named(path, content, received):
    path.write_bytes(content)
    expected = f"some.json: Expected a JSON object. Received: .*{received}"
    with pytest.raises(ValueError, match=expected) as error:
        json_files.read_object(path)
    assert len(str(error.value)) < 400 + len(str(path))


@pytest.mark.parametrize("value", [None, True, "0.3", [1], 1.5, -1.5, 10**401])
def test_what_is_no_number_in_range_is_named(value):
    message = r"a.json: Expected a number in \[-1, 1\] under x. Received: "
    with pytest.raises(ValueError, match=message) as error:
        json_files.number(value, "x", "a.json", -1, 1)
    assert len(str(error.value)) < 150


def test_a_number_is_a_float():
    found = json_files.number(1, "x", "a.json", -1, 1)
    assert found == 1.0 and type(found) is float
