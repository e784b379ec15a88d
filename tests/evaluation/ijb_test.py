import numpy as np
import pytest

from unpg_tf.evaluation import ijb
from unpg_tf.evaluation import read_ijb

FACES = ["1.jpg 9 100", "2.jpg 9 100", "3.jpg 4 7", "4.jpg 30 100"]
POINTS = [
    f"{i}.jpg {' '.join(map(str, range(i, i + 10)))} 0.{i}"
    for i in (1, 2, 3, 4)
]
PAIRS = ["9 4 1", "4 30 0", "30 9 0"]


@pytest.fixture
def root(tmp_path):
    root = tmp_path / "IJBC"
    (root / "meta").mkdir(parents=True)
    write(root, "face_tid_mid.txt", FACES)
    write(root, "name_5pts_score.txt", POINTS)
    write(root, "template_pair_label.txt", PAIRS)
    return root


def write(root, name, lines):
    text = "".join(f"{line}\n" for line in lines)
    (root / "meta" / f"ijbc_{name}").write_text(text)


@pytest.mark.parametrize("chunk", [1, 2, 100])
def test_reads_images_templates_and_pairs(root, monkeypatch, chunk):
    monkeypatch.setattr(ijb, "_CHUNK", chunk)
    templates = read_ijb(root)
    assert templates.name == "IJBC"
    assert templates.images.tolist() == [
        str(root / f"{i}.jpg") for i in (1, 2, 3, 4)
    ]
    assert templates.template.tolist() == [9, 9, 4, 30]
    assert templates.media.tolist() == [100, 100, 7, 100]
    assert templates.ids.tolist() == [4, 9, 30]
    # Rows of the ids, not the ids themselves.
    assert templates.left.tolist() == [1, 0, 2]
    assert templates.right.tolist() == [0, 2, 1]
    assert templates.same.tolist() == [True, False, False]
    np.testing.assert_allclose(templates.detector_scores, [0.1, 0.2, 0.3, 0.4])
    assert templates.landmarks is None
    assert templates.galleries == [] and templates.probes is None


def test_loose_crops_come_with_their_landmarks(root):
    (root / "loose_crop").mkdir()
    templates = read_ijb(root)
    assert templates.images[0] == str(root / "loose_crop" / "1.jpg")
    assert templates.landmarks.shape == (4, 5, 2)
    np.testing.assert_array_equal(
        templates.landmarks[1], np.arange(2, 12).reshape(5, 2)
    )


def test_points_may_be_missing_unless_crops_are_loose(root):
    (root / "meta" / "ijbc_name_5pts_score.txt").unlink()
    assert read_ijb(root).detector_scores is None
    (root / "loose_crop").mkdir()
    with pytest.raises(FileNotFoundError, match="name_5pts_score.txt in"):
        read_ijb(root)


def test_galleries_and_probes_by_template(root):
    header = "TEMPLATE_ID,SUBJECT_ID,FILENAME"
    write(root, "1N_gallery_G1.csv", [header, "9,77,a.jpg", "9,77,b.jpg"])
    # IJB-B's are called S1 and S2.
    write(root, "1N_gallery_S2.csv", [header, "30,5,a.jpg"])
    write(root, "1N_probe_mixed.csv", [header, "4,77,c.jpg", "30,5,d.jpg"])
    templates = read_ijb(root)
    (first, second), probes = templates.galleries, templates.probes
    assert [part.tolist() for part in first] == [[1], [77]]
    assert [part.tolist() for part in second] == [[2], [5]]
    assert [part.tolist() for part in probes] == [[0, 2], [77, 5]]
    write(root, "1N_gallery_G1.csv", [header, "8,77,a.jpg"])
    with pytest.raises(ValueError, match="G1.csv: Expected templates.* .8."):
        read_ijb(root)
    write(root, "1N_gallery_G1.csv", [header, "9,77,a.jpg", "9,78,b.jpg"])
    with pytest.raises(ValueError, match="G1.csv:3: .*template 9, .* 77's"):
        read_ijb(root)
    write(root, "1N_gallery_G1.csv", [header, "9,77,a.jpg", "4,78,b.jpg"])
    with pytest.raises(ValueError, match="mixed.csv:2: .*template 4, .* 78's"):
        read_ijb(root)
    for number in ("1" + "0" * 30, "1_0", "9.0"):
        write(root, "1N_gallery_G1.csv", [header, f"{number},77,a.jpg"])
        with pytest.raises(ValueError, match=f"G1.csv:2: .*{number}"):
            read_ijb(root)
    write(root, "1N_gallery_G1.csv", ["A,B", "8,77"])
    with pytest.raises(ValueError, match="G1.csv:2: Expected the columns"):
        read_ijb(root)
    (root / "meta" / "ijbc_1N_gallery_G1.csv").unlink()
    with pytest.raises(FileNotFoundError, match="1N_gallery_.GS.1.csv"):
        read_ijb(root)


@pytest.mark.parametrize(
    "name, lines, message",
    [
        ("face_tid_mid.txt", [*FACES, "5.jpg 1"], "mid.txt:5: Expected image"),
        ("face_tid_mid.txt", ["1.jpg a 1"], "mid.txt:1: Expected image temp"),
        ("face_tid_mid.txt", ["1.jpg 1_0 1"], "mid.txt:1: Expected image temp"),
        (
            "face_tid_mid.txt",
            [f"1.jpg {10**30} 1"],
            "mid.txt:1: Expected image temp",
        ),
        ("face_tid_mid.txt", [], "mid.txt: Expected images. Received: none"),
        ("name_5pts_score.txt", POINTS[:3], "Expected the images of face_tid"),
        (
            "name_5pts_score.txt",
            ["1.jpg 1 2"],
            "score.txt:1: Expected image x1",
        ),
        (
            "template_pair_label.txt",
            [*PAIRS, "9 5 1"],
            "label.txt:4: .*9, 5, 1",
        ),
        (
            "name_5pts_score.txt",
            [*POINTS[:3], POINTS[3].replace("0.4", "nan")],
            "score.txt:4: Expected image x1",
        ),
        (
            "name_5pts_score.txt",
            [POINTS[0].replace("0.1", "1e300")],
            "score.txt:1: Expected image x1",
        ),
        (
            "template_pair_label.txt",
            ["", *PAIRS, "", "4 9 0"],
            "label.txt:6: Expected 1, as line 2 has it .* Received: 0",
        ),
        ("template_pair_label.txt", ["9 4 2"], "label.txt:1: .*9, 4, 2"),
        (
            "template_pair_label.txt",
            ["", *PAIRS, "", "9 5 1"],
            "label.txt:6: .*9, 5, 1",
        ),
        ("template_pair_label.txt", ["9 4"], "label.txt: Expected.*2 columns"),
        ("template_pair_label.txt", ["9 4 x"], "label.txt: Expected.* line 1"),
        ("template_pair_label.txt", [], "label.txt: Expected pairs"),
    ],
)
def test_a_bad_line_is_named(root, name, lines, message):
    write(root, name, lines)
    with pytest.raises(ValueError, match=message):
        read_ijb(root)


def test_two_files_of_a_kind_are_ambiguous(root):
    (root / "ijbb_face_tid_mid.txt").write_text("")
    with pytest.raises(ValueError, match="Expected one .*ijbb_face_tid_mid"):
        read_ijb(root)
