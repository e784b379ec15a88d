"""A folder of photos: crops, lines, names, interruptions."""

import csv
import json

import numpy as np
import pytest
from PIL import Image

from tests.faces import drawn
from unpg_tf.faces import Settings
from unpg_tf.faces import align_folder
from unpg_tf.faces import aligned_files
from unpg_tf.faces import list_photos
from unpg_tf.faces import read_photo
from unpg_tf.faces import write_sheet
from unpg_tf.faces.listing import crop_path

SETTINGS = Settings(detector="tests.faces.drawn:detect", file_format="png")


@pytest.fixture
def photos(tmp_path):
    root = tmp_path / "photos"
    drawn.people(
        root,
        "Ada/1.png",
        "Ada/1.bmp",
        "Ada/2024/trip/1.png",
        "Bob/1.webp",
        "alone.png",
        empty=["Bob/sky.png"],
    )
    (root / "Bob/broken.jpg").write_bytes(b"\xff\xd8\xff")
    (root / "Bob/clip.mov").touch()
    (root / "notes").touch()
    for hidden in ("Ada/._1.png", ".cache/1.png"):
        (root / hidden).parent.mkdir(exist_ok=True)
        (root / hidden).touch()
    return root


def lines(output):
    with (output / "align.csv").open(newline="") as file:
        return {row["file"]: row for row in csv.DictReader(file)}


def aligned(photos, output, settings=SETTINGS, **options):
    files = list_photos(photos).files
    return align_folder(photos, output, files, settings, **options)


def test_photos_are_listed_in_all_depths(photos):
    (photos / "Bob/again").symlink_to(photos, target_is_directory=True)
    found = list_photos(photos)
    assert found.files == [
        "Ada/1.bmp",
        "Ada/1.png",
        "Ada/2024/trip/1.png",
        "Bob/1.webp",
        "Bob/broken.jpg",
        "Bob/sky.png",
        "alone.png",
    ]
    assert found.others == {".mov": 1, "no ending": 1}
    assert list_photos(photos, [photos / "Ada"]).files == found.files[3:]
    with pytest.raises(FileNotFoundError, match="folder of photos.*none"):
        list_photos(photos / "none")


def test_where_a_crop_goes():
    assert crop_path("2024/Ada/a.b.HEIC", "first") == "2024/Ada_a.b.jpg"
    assert crop_path("2024/Ada/a.b.HEIC", "last") == "Ada/2024_a.b.jpg"
    assert crop_path("2024/Ada/a.b.HEIC", "none") == "2024/Ada/a.b.jpg"
    assert crop_path("a.png", "first", ".png") == "a.png"


def test_a_folder_becomes_crops_and_lines(photos, tmp_path):
    output, done = tmp_path / "faces", []
    records = aligned(photos, output, progress=done.append)
    assert done == [1, 2, 3, 4, 5, 6, 7]
    found = lines(output)
    assert [*found] == [record.file for record in records]
    crops = {file: row["crop"] for file, row in found.items()}
    assert crops == {
        "Ada/1.bmp": "Ada/1.png",
        "Ada/1.png": "Ada/1_2.png",
        "Ada/2024/trip/1.png": "Ada/2024_trip_1.png",
        "Bob/1.webp": "Bob/1.png",
        "Bob/broken.jpg": "",
        "Bob/sky.png": "",
        "alone.png": "alone.png",
    }
    for file in filter(None, crops.values()):
        crop = read_photo(output / file)
        _, (points, *_), _ = drawn.detect(crop)
        assert crop.shape == (112, 112, 3)
        assert np.abs(points - drawn.TEMPLATE).max() < 1
    row = found["Ada/1.png"]
    assert (row["outcome"], row["faces"], row["reason"]) == ("aligned", "1", "")
    (box,), (points,), _ = drawn.detect(read_photo(photos / "Ada/1.png"))
    sides = [float(row[side]) for side in ("left", "top", "right", "bottom")]
    np.testing.assert_allclose(sides, box, atol=0.01)
    assert float(row["nose_x"]) == pytest.approx(points[2, 0], abs=0.01)
    assert float(row["mouth_right_y"]) == pytest.approx(points[4, 1], abs=0.01)
    assert row["score"] == "1.0000"
    assert found["Bob/sky.png"]["outcome"] == "no face"
    assert found["Bob/sky.png"]["reason"] == "no face found"
    assert found["Bob/broken.jpg"]["outcome"] == "unread"
    assert "broken.jpg" in found["Bob/broken.jpg"]["reason"]


def test_all_faces_of_a_photo_get_a_line_each(tmp_path):
    image = drawn.draw(
        (400, 150), drawn.placed(), drawn.placed(1.2, 0, (150, 0))
    )
    (tmp_path / "photos/Ada").mkdir(parents=True)
    Image.fromarray(image).save(tmp_path / "photos/Ada/1.png")
    records = aligned(
        tmp_path / "photos", tmp_path / "faces", SETTINGS._replace(face="all")
    )
    assert [r.crop for r in records] == ["Ada/1.png", "Ada/1_face2.png"]
    assert [r.faces for r in records] == [2, 2]
    assert all((tmp_path / "faces" / r.crop).is_file() for r in records)


def test_a_run_goes_on_where_it_stopped(photos, tmp_path):
    output, whole = tmp_path / "faces", tmp_path / "whole"
    aligned(photos, whole)

    def stop(done):
        if done == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        aligned(photos, output, progress=stop)
    text = (output / "align.csv").read_text()
    assert text.count("\n") == 4
    # A crash may cut the last line, and a crop may have been deleted.
    (output / "align.csv").write_text(text[:-20])
    (output / "Ada/1_2.png").unlink()
    kept = (output / "Ada/1.png").stat().st_mtime_ns
    done = []
    aligned(photos, output, progress=done.append)
    assert done == [2, 3, 4, 5, 6, 7]
    assert (output / "Ada/1.png").stat().st_mtime_ns == kept
    assert lines(output) == lines(whole)
    # What couldn't be read is tried again, and nothing else.
    drawn.people(photos, "Bob/broken.jpg")
    done.clear()
    aligned(photos, output, progress=done.append)
    assert done == [7]
    assert lines(output)["Bob/broken.jpg"]["outcome"] == "aligned"
    assert (output / "Bob/broken.png").is_file()


def test_another_setting_needs_another_output(photos, tmp_path):
    output = tmp_path / "faces"
    aligned(photos, output)
    with pytest.raises(FileExistsError, match="image_size=112, or another"):
        aligned(photos, output, SETTINGS._replace(image_size=64))
    assert json.loads((output / "align.json").read_text())["image_size"] == 112
    (output / "align.csv").write_text("a,b\n1,2\n")
    with pytest.raises(ValueError, match="align.csv: Expected the lines of"):
        aligned(photos, output)


def test_a_detector_that_fails_leaves_a_line(photos, tmp_path):
    records = aligned(
        photos,
        tmp_path / "faces",
        SETTINGS._replace(detector="tests.faces.drawn:broken"),
    )
    assert {r.outcome for r in records} == {"unread"}
    assert "RuntimeError: no weights" in records[0].reason


def test_a_process_that_is_killed_costs_one_photo(photos, tmp_path):
    """In two processes it is the same as in one, but for that photo."""
    Image.new("RGB", (40, 40)).save(photos / "Ada/kills.png")
    output, whole = tmp_path / "faces", tmp_path / "whole"
    detector = "tests.faces.drawn:killed"
    aligned(photos, output, SETTINGS._replace(detector=detector), processes=2)
    aligned(photos, whole)
    found, expected = lines(output), lines(whole)
    killed = found.pop("Ada/kills.png")
    del expected["Ada/kills.png"]
    assert killed["outcome"] == "unread"
    assert killed["reason"].endswith("one that ended by SIGKILL")
    assert found == expected


def test_a_detector_that_can_not_be_loaded_stops_all(photos, tmp_path):
    settings = SETTINGS._replace(detector="tests.faces.drawn:nothing")
    with pytest.raises(ValueError, match="no nothing in tests.faces.drawn"):
        aligned(photos, tmp_path / "faces", settings)


def test_photos_in_memory(photos):
    files = [photos / "Ada/1.png", photos / "Bob/sky.png"]
    (crop, told), (none, reason) = aligned_files(files, SETTINGS)
    assert crop.startswith(b"\x89PNG") and told == ""
    assert none == b"" and reason == "no face found"


@pytest.mark.parametrize("name", ["sheet.png", "sheet.jpg"])
def test_a_contact_sheet_shows_crops_and_what_has_none(photos, tmp_path, name):
    output, path = tmp_path / "faces", tmp_path / "new" / name
    records = aligned(photos, output)
    write_sheet(path, photos, output, records, crops=3)
    sheet = read_photo(path).astype(int)
    assert sheet.shape[1] > 10 * 112
    # Three crops, and in the next row the photo without a face, in red.
    red = (sheet[..., 0] > 200) & (sheet[..., 1:].max(axis=-1) < 70)
    rows = np.flatnonzero(red.sum(axis=1) > 100)
    assert rows.min() >= 112 and rows.max() < sheet.shape[0]
    crop = read_photo(output / "Ada/1.png").astype(int)
    assert np.abs(sheet[4:116, 4:116] - crop).mean() < 5
    write_sheet(path, photos, output, [])
