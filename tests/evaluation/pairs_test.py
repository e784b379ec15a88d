import numpy as np
import pytest

from unpg_tf.evaluation import read_pairs
from unpg_tf.evaluation import synthetic_pairs

FILES = {
    "Ada": ("Ada_0001.jpg", "Ada_0002.PNG", "Ada_0010.jpeg"),
    "Bob_Ross": ("Bob_Ross_0001.jpg", "Bob_Ross_0002.jpg", "notes.txt"),
}


@pytest.fixture
def root(tmp_path):
    for name, files in FILES.items():
        (tmp_path / "faces" / name).mkdir(parents=True)
        for file in files:
            (tmp_path / "faces" / name / file).touch()
    return tmp_path / "faces"


def read(root, *lines):
    path = root.parent / "pairs.txt"
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return read_pairs(path, root)


def files_of(pairs):
    files = [path.replace("\\", "/").split("/")[-1] for path in pairs.images]
    return [
        (files[i], files[j])
        for i, j in zip(pairs.left, pairs.right, strict=True)
    ]


ADA = "Ada\t1\t2"
BOB = "Bob_Ross\t1\t2"
BOTH = "Ada\t10\tBob_Ross\t2"
BOTH_2 = "Bob_Ross\t1\tAda\t1"


def test_reads_one_set(root):
    pairs = read(root, "2", ADA, BOB, BOTH, BOTH_2)
    assert files_of(pairs) == [
        ("Ada_0001.jpg", "Ada_0002.PNG"),
        ("Bob_Ross_0001.jpg", "Bob_Ross_0002.jpg"),
        ("Ada_0010.jpeg", "Bob_Ross_0002.jpg"),
        ("Bob_Ross_0001.jpg", "Ada_0001.jpg"),
    ]
    assert len(pairs.images) == len(set(pairs.images)) == 5
    np.testing.assert_array_equal(pairs.same, [True, True, False, False])
    assert pairs.same.dtype == bool
    np.testing.assert_array_equal(pairs.fold, [0, 0, 0, 0])
    assert pairs.num_folds == 1
    assert pairs.name == "pairs.txt"


def test_reads_folds(root):
    ada = "Ada\t10\t2"
    both = "Ada\t1\tBob_Ross\t2"
    pairs = read(root, "3\t1", *[ADA, BOTH, BOB, BOTH_2, ada, both], "", "")
    np.testing.assert_array_equal(pairs.same, [True, False] * 3)
    np.testing.assert_array_equal(pairs.fold, [0, 0, 1, 1, 2, 2])
    assert pairs.num_folds == 3


@pytest.mark.parametrize(
    "lines, number, message",
    [
        ([], 1, "Expected N, or folds<TAB>N"),
        (["two", ADA], 1, "Expected N, or folds<TAB>N"),
        (["0"], 1, "Expected N, or folds<TAB>N"),
        (["1\t1\t1", ADA, BOTH], 1, "Expected N, or folds<TAB>N"),
        (["2", ADA, BOTH], 1, "Expected 1 x 2 x 2 lines .* Received: 2"),
        (["1", ADA, BOTH, BOTH], 1, "Expected 1 x 2 x 1 lines"),
        (["9" * 5000], 1, "Expected N, or folds<TAB>N"),
        (["1", f"Ada\t1\t{'9' * 5000}", BOTH], 2, "Expected Name<TAB>i<TAB>j"),
        (["1", "Ada\t1\t1", BOTH], 2, "Expected two images. Received: one"),
        (["1", ADA, "Ada\t1\tAda\t10"], 3, "Expected two people. .*Ada\t10"),
        (
            ["2\t1", ADA, BOTH, "Ada\t2\t1", BOTH_2],
            4,
            "Expected each pair once. Received: that of line 2 again",
        ),
        (["1", BOTH, ADA], 2, "Expected Name<TAB>i<TAB>j. Received: Ada"),
        (["1", ADA, ADA], 3, "Expected Name<TAB>i<TAB>Other<TAB>j"),
        (["1", "Ada\t1\tx", BOTH], 2, "Expected Name<TAB>i<TAB>j"),
        (["1", "Ada 1 2", BOTH], 2, "Expected Name<TAB>i<TAB>j"),
    ],
)
def test_names_the_line_of_a_mistake(root, lines, number, message):
    with pytest.raises(ValueError, match=rf"pairs\.txt:{number}: {message}"):
        read(root, *lines)


@pytest.mark.parametrize("line", ["Ada\t1\t3", "Eve\t1\t2"])
def test_names_the_line_of_a_missing_image(root, line):
    message = r"pairs\.txt:2: Expected an image .*_000\d with a suffix of"
    with pytest.raises(FileNotFoundError, match=message):
        read(root, "1", line, BOTH)


def test_says_what_does_not_exist(root):
    with pytest.raises(FileNotFoundError, match="pairs file. Received: .*no"):
        read_pairs(root / "no.txt", root)
    with pytest.raises(
        FileNotFoundError,
        match="a folder of images per person. Received: .*nowhere",
    ):
        read(root / "nowhere", "1", ADA, BOTH)


def test_synthetic_pairs_have_both_kinds_in_every_fold():
    pairs = synthetic_pairs(40, image_size=16)
    assert pairs.images.shape == (80, 16, 16, 3)
    assert pairs.num_folds == 10
    for fold in range(10):
        assert sorted(pairs.same[pairs.fold == fold]) == [0, 0, 1, 1]
    unseen = synthetic_pairs(40, image_size=16, first_identity=0)
    assert not np.array_equal(pairs.images, unseen.images)
