import pytest

from unpg_tf.files import replaced
from unpg_tf.files import saved_model_folder


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


def test_the_highest_version_of_a_model(tmp_path):
    assert saved_model_folder(tmp_path / "none") == tmp_path / "none"
    assert saved_model_folder(tmp_path) == tmp_path
    for name in ("2", "10", "11", "old", ".3"):
        (tmp_path / name).mkdir()
        if name != "11":  # One that isn't whole.
            (tmp_path / name / "saved_model.pb").touch()
    assert saved_model_folder(tmp_path) == tmp_path / "10"
    assert saved_model_folder(tmp_path, 2) == tmp_path / "2"
    assert saved_model_folder(tmp_path, 11) == tmp_path
    assert saved_model_folder(tmp_path / "2", 10) == tmp_path / "2"
