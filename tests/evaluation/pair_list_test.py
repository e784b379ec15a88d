import numpy as np
import pytest

from unpg_tf.evaluation import StoredEmbeddings
from unpg_tf.evaluation import evaluate_pair_lists
from unpg_tf.evaluation import read_pair_lists
from unpg_tf.evaluation import verification_report
from unpg_tf.evaluation import write_embeddings
from unpg_tf.metrics import pair_similarities

PEOPLE, VIEWS = 6, 5


@pytest.fixture
def root(tmp_path):
    for person in range(PEOPLE):
        for view in range(VIEWS):
            file = tmp_path / "kface" / image(person, view)
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(b"not read")
    return tmp_path / "kface"


def image(person, view):
    return f"1900{person}/S001/L1/E01/C{view}.jpg"


def lines_of(views):
    same = [
        (p, i, p, j) for p in range(PEOPLE) for i in views for j in views[:i]
    ]
    other = [(p, i, (p + 1) % PEOPLE, i) for p in range(PEOPLE) for i in views]
    return [
        f"{image(p, i)} {image(q, j)} {int(p == q)}"
        for p, i, q, j in same + other
    ]


def write(path, lines):
    path.write_text("\n".join(lines) + "\n")
    return path


def test_lists_share_their_images(root, tmp_path):
    first = write(tmp_path / "Q1.txt", lines_of([0, 1, 2]))
    second = write(tmp_path / "Q2.txt", lines_of([1, 2, 3, 4]))
    lists = read_pair_lists([first, second], root)
    assert [pairs.name for pairs in lists] == ["Q1.txt", "Q2.txt"]
    assert lists[0].images is lists[1].images
    assert len(lists[0].images) == PEOPLE * VIEWS
    views = [0, 1, 2], [1, 2, 3, 4]
    for pairs, seen in zip(lists, views, strict=True):
        for row, line in enumerate(lines_of(seen)):
            left, right, label = line.split()
            assert pairs.images[pairs.left[row]] == str(root / left)
            assert pairs.images[pairs.right[row]] == str(root / right)
            assert pairs.same[row] == (label == "1")
            who = pairs.identities[row]
            assert (who[0] == who[1]) == (label == "1")


def test_each_fold_has_its_share_of_both_kinds(root, tmp_path):
    path = write(tmp_path / "Q1.txt", lines_of([0, 1, 2, 3, 4]))
    (pairs,) = read_pair_lists([path], root)
    assert pairs.num_folds == 10
    for kind in (pairs.same, ~pairs.same):
        counts = np.bincount(pairs.fold[kind])
        assert counts.max() - counts.min() <= 1


def test_each_list_and_all_together_are_measured(root, tmp_path, capsys):
    files = [
        write(tmp_path / f"Q{i}.txt", lines_of(list(range(i)))) for i in (3, 5)
    ]
    lists = read_pair_lists(files, root)
    embeddings = np.random.default_rng(0).normal(size=(PEOPLE * VIEWS, 4))
    names = [image(p, i) for p in range(PEOPLE) for i in range(VIEWS)]
    write_embeddings(tmp_path / "e.npz", embeddings, names, flip=True)
    embedder = StoredEmbeddings(tmp_path / "e.npz", root)
    evaluations = evaluate_pair_lists(embedder, lists, 1, replicates=10)
    assert list(evaluations) == ["Q3.txt", "Q5.txt", "all"]
    assert "30 images of Q3.txt Q5.txt" in capsys.readouterr().out
    rows = dict(zip(names, embeddings, strict=True))
    lines = [lines_of(list(range(i))) for i in (3, 5)]
    lines.append(lines[0] + lines[1])
    for name, pairs in zip(evaluations, lines, strict=True):
        report, similarities = evaluations[name]
        fields = [line.split() for line in pairs]
        stacked = np.array([[rows[f[0]], rows[f[1]]] for f in fields])
        expected = pair_similarities(
            stacked.reshape(-1, 4),
            np.arange(len(pairs)) * 2,
            np.arange(len(pairs)) * 2 + 1,
        )
        np.testing.assert_allclose(similarities, expected)
        assert list(report["tar_at_far"])[-1] == "1e-06"
        assert report["folds"] == 10 and report["flip"] is True
        assert report["intervals"]["resampled"] == "identities"
    (first, second) = (evaluations[f"Q{i}.txt"].report for i in (3, 5))
    total = evaluations["all"].report["negatives"]
    assert total == first["negatives"] + second["negatives"]
    assert (
        first["auc"]
        == verification_report(
            evaluations["Q3.txt"].similarities, lists[0].same, lists[0].fold
        )["auc"]
    )


@pytest.mark.parametrize("names", [["a/Q.txt", "b/Q.txt"], ["all"]])
def test_lists_that_a_report_could_not_tell_apart(root, tmp_path, names):
    files = [tmp_path / name for name in names]
    for file in files:
        file.parent.mkdir(exist_ok=True)
        write(file, lines_of([0, 1, 2]))
    lists = read_pair_lists(files, root)
    with pytest.raises(ValueError, match="Expected lists of different names"):
        evaluate_pair_lists(None, lists)


def test_folders_that_are_no_identities_are_not_taken_for_them(root, tmp_path):
    lines = [
        line[:-1] + str(i % 2) for i, line in enumerate(lines_of([0, 1, 2, 3]))
    ]
    (pairs,) = read_pair_lists([write(tmp_path / "Q.txt", lines)], root)
    assert pairs.identities is None


@pytest.mark.parametrize(
    "line, error, message",
    [
        ("a.jpg b.jpg", ValueError, "Q.txt:2: Expected left right 0|1"),
        ("{0} {0} 2", ValueError, "Q.txt:2: Expected left right 0|1.* 2"),
        ("", ValueError, "Q.txt:2: Expected left right"),
        ("/{0} {0} 1", ValueError, "Q.txt:2: Expected a path below .*: /1900"),
        ("../kface/{0} {0} 1", ValueError, r"Q.txt:2: .*: \.\./kface"),
        ("{1} {0} 1", ValueError, "Q.txt:2: Expected 0, as line 1 .*: 1"),
        ("{0} a.jpg 1", FileNotFoundError, "Q.txt:2: .*kface/a.jpg"),
    ],
)
def test_a_bad_line_is_named(root, tmp_path, line, error, message):
    good = lines_of([0])[0]
    lines = [good, line.format(image(0, 0), image(1, 0)), good]
    path = write(tmp_path / "Q.txt", lines)
    with pytest.raises(error, match=message):
        read_pair_lists([path], root)


def test_names_may_have_blanks_between_tabs(root, tmp_path):
    for file in [*root.rglob("*.jpg")]:
        file.rename(file.with_name(f"IMG {file.name}"))
    lines = [line.replace("/C", "/IMG C") for line in lines_of([0, 1, 2])]
    tabs = [line.replace(" 1900", "\t1900") for line in lines]
    tabs = [f"{line[:-2]}\t{line[-1]}" for line in tabs]
    (pairs,) = read_pair_lists([write(tmp_path / "Q.txt", tabs)], root)
    assert len(pairs.same) == len(lines)
    with pytest.raises(ValueError, match="Q.txt:1: Expected left right"):
        read_pair_lists([write(tmp_path / "Q.txt", lines)], root)


def test_too_few_pairs_and_missing_files_are_told(root, tmp_path):
    path = write(tmp_path / "Q.txt", lines_of([0, 1])[:12])
    with pytest.raises(ValueError, match="Q.txt: Expected 10 pairs of each"):
        read_pair_lists([path], root)
    with pytest.raises(FileNotFoundError, match="a pair list.*Q2.txt"):
        read_pair_lists([tmp_path / "Q2.txt"], root)
    with pytest.raises(FileNotFoundError, match="Expected a folder"):
        read_pair_lists([path], tmp_path / "nothing")
