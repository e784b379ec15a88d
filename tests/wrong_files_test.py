"""What isn't the file or folder that a reader wants, and what it is told.

Every reader meets every wrong thing; what it says names the path, or a file of
that name with another suffix. Files of the right kind that are damaged are the
matter of `fuzz_test.py`.
"""

import pytest

from unpg_tf import data
from unpg_tf import evaluation
from unpg_tf import serving

READERS = {
    "folder": data.read_folder,
    "records": data.InsightFaceRecords,
    "shards": lambda path: data.ImageShards(path / "*.tfrecord"),
    "people": data.read_people,
    "images": data.open_images,
    "bin": evaluation.read_bin,
    "ijb": evaluation.read_ijb,
    "pairs": lambda path: evaluation.read_pairs(path, path.parent),
    "pair lists": lambda path: evaluation.read_pair_lists([path], path.parent),
    "embeddings": evaluation.StoredEmbeddings,
    "model": evaluation.load_model,
    "Keras file": evaluation.load_keras_file,
    "SavedModel": evaluation.ServedModel,
    "settings": serving.read_settings,
}


def nothing(path):
    assert not path.exists()


def empty_file(path):
    path.touch()


def empty_folder(path):
    path.mkdir()


def text(path):
    path.write_text("three words here\nand a line\n")


def binary(path):
    path.write_bytes(bytes(range(256)) * 4)


def pickled(path):
    path.write_bytes(b"\x80\x02cposix\nsystem\nq\x00.")


def zipped(path):
    path.write_bytes(b"PK\x03\x04" + bytes(60))


def folder_of_text(path):
    path.mkdir()
    (path / "notes.txt").write_text("nothing here")


WRONG = [
    nothing,
    empty_file,
    empty_folder,
    text,
    binary,
    pickled,
    zipped,
    folder_of_text,
]


@pytest.mark.parametrize("make", WRONG)
@pytest.mark.parametrize("reader", READERS)
@pytest.mark.parametrize("suffix", ["", ".rec", ".keras"])
def test_a_reader_names_what_it_can_not_read(tmp_path, reader, make, suffix):
    path = tmp_path / f"given{suffix}"
    make(path)
    with pytest.raises(
        (OSError, ValueError), match="(?s)Expected .*Received: "
    ) as caught:
        READERS[reader](path)
    assert path.stem in str(caught.value)
