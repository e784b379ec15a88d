import pytest

from unpg_tf.files import replaced


def test_the_file_appears_whole_and_alone(tmp_path):
    path = tmp_path / "new" / "file.txt"
    with replaced(path) as temporary:
        temporary.write_text("half")
        assert not path.exists()
        assert temporary.parent == path.parent
    assert path.read_text() == "half"
    assert list(path.parent.iterdir()) == [path]


def test_a_failure_leaves_the_former_file(tmp_path):
    path = tmp_path / "file.txt"
    path.write_text("former")
    with pytest.raises(KeyboardInterrupt), replaced(path) as temporary:
        temporary.write_text("half")
        raise KeyboardInterrupt
    assert path.read_text() == "former"
    assert list(tmp_path.iterdir()) == [path]


def test_a_reader_never_sees_half_of_each(tmp_path):
    path = tmp_path / "file.txt"
    path.write_text("former")
    with open(path) as reader:
        with replaced(path) as temporary:
            temporary.write_text("latter")
        assert reader.read() == "former"
    assert path.read_text() == "latter"
