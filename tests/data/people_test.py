import pytest

from unpg_tf.data import read_people


def write(folder, text):
    path = folder / "people.txt"
    path.write_text(text, encoding="utf-8")
    return path


def test_a_set_gives_names_in_order_with_their_images(tmp_path):
    path = write(tmp_path, "3\nZoë_K\t2\nAda_L\t10\nBob\t1\n")
    people = read_people(path)
    assert list(people.items()) == [("Zoë_K", 2), ("Ada_L", 10), ("Bob", 1)]


def test_folds_are_read_as_one(tmp_path):
    path = write(tmp_path, "2\n2\nAda\t1\nBob\t2\n1\nCid\t3\n")
    assert read_people(path) == {"Ada": 1, "Bob": 2, "Cid": 3}


def test_line_ends_of_windows_and_empty_lines_at_the_end(tmp_path):
    assert read_people(write(tmp_path, "1\r\nAda\t1\r\n\r\n")) == {"Ada": 1}


@pytest.mark.parametrize(
    ("text", "line", "expected"),
    [
        ("", 1, "a number of people or of folds. Received: the end"),
        ("Ada\t1\n", 1, "a number of people or of folds. Received: Ada"),
        ("2\nAda\t1\nBob 2\n", 3, "Name<TAB>images. Received: Bob 2"),
        ("1\nAda\tone\n", 2, "Name<TAB>images. Received: Ada\tone"),
        ("2\nAda\t1\n", 2, "Name<TAB>images. Received: the end of the file"),
        ("1\nAda\t1\nBob\t1\n", 3, "the end of the file. Received: Bob\t1"),
        ("2\nAda\t1\nAda\t2\n", 3, "every name once. Received: Ada"),
        ("2\n1\nAda\t1\nBob\t1\n", 4, "a fold's size. Received: Bob\t1"),
    ],
)
def test_an_error_names_file_and_line(tmp_path, text, line, expected):
    path = write(tmp_path, text)
    with pytest.raises(ValueError) as error:
        read_people(path)
    assert str(error.value).startswith(f"{path}:{line}: Expected {expected}")


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match="people file.*nobody.txt"):
        read_people(tmp_path / "nobody.txt")
