"""`unpg align` as a program."""

import functools
import signal
import time

import pytest
from PIL import Image

from tests.cli import programs
from tests.faces import drawn
from unpg_tf.data import ImageShards
from unpg_tf.data import read_folder

run = functools.partial(
    programs.run,
    "align",
    detector="tests.faces.drawn:detect",
    processes=1,
)


@pytest.fixture
def photos(tmp_path):
    root = tmp_path / "photos"
    drawn.people(
        root, "Ada/1.jpg", "Ada/2/1.png", "Bob/1.bmp", empty=["Bob/2.jpg"]
    )
    (root / "Bob/clip.mov").touch()
    return root


def test_photos_become_crops_shards_and_a_sheet(photos, tmp_path):
    # Below the photos, and yet no photos of the next run.
    output, shards = photos / "faces", tmp_path / "shards"
    for _ in range(2):
        done = run(
            data=photos,
            output=output,
            shards=shards,
            sheet=tmp_path / "sheet.jpg",
            image_size=64,
        )
        assert done.returncode == 0, done.stderr
        assert f"{photos}: 4 photos. Left out, no photos: 1 .mov\n" in (
            done.stdout
        )
        assert (
            "3 crops of 3 of 4 photos; 1 without a face that is meant, "
            "0 not read\n"
        ) in done.stdout
        written = done.stdout.splitlines()[-1]
        assert "align.csv" in written and "sheet.jpg" in written
        assert f"{shards}/*.tfrecord" in written
    folder = read_folder(output)
    assert folder.names == ["Ada", "Bob"]
    assert len(folder.paths) == 3
    assert Image.open(folder.paths[0]).size == (64, 64)
    images = ImageShards(shards / "*.tfrecord")
    assert images.names == ["Ada", "Bob"] and images.image_size == [64, 64]
    assert sorted(images.labels.tolist()) == [0, 0, 1]
    assert Image.open(tmp_path / "sheet.jpg").width > 1000


def test_ctrl_c_ends_it_and_the_next_run_goes_on(photos, tmp_path):
    output = tmp_path / "faces"
    flags = {"data": photos, "output": output, "processes": 1}
    detector = "tests.faces.drawn:slow"
    process = programs.start("align", detector=detector, **flags)
    crop = output / "Ada/1.jpg"
    end = time.monotonic() + 60
    while not crop.exists() and time.monotonic() < end:
        time.sleep(0.02)
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate()
    assert process.returncode == 130
    assert errors == "unpg align: interrupted\n"
    kept = crop.stat().st_mtime_ns
    done = programs.run("align", detector=detector, **flags)
    assert done.returncode == 0, done.stderr
    assert "3 crops of 3 of 4 photos" in done.stdout
    assert crop.stat().st_mtime_ns == kept


def test_mtcnn_finds_no_face_where_there_is_none(photos, tmp_path):
    """The detector that is the default, on photos of dots."""
    done = run(data=photos, output=tmp_path / "faces", detector="mtcnn")
    assert done.returncode == 1
    assert "0 crops of 0 of 4 photos; 4 without a face" in done.stdout
    assert done.stderr.startswith(
        "unpg align: Expected a face in a photo of "
    ) and done.stderr.endswith("align.csv says why\n")
    text = (tmp_path / "faces/align.csv").read_text()
    assert text.count(",no face,no face found,,0,") == 4


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"data": "none"}, "Expected a folder of photos. Received: --data=no"),
        ({"detector": "mtcn"}, "Expected --detector=mtcnn, yunet or module:"),
        ({"detector": "yunet"}, "Expected --detector_model. Received: none"),
        ({"detector": "none:none"}, "No module named 'none'"),
        ({"shards": "a", "person": "none"}, "Expected --person=first or last"),
        ({"output": "."}, "Expected an --output other than --data"),
    ],
)
def test_an_error_exits_with_a_message(
    photos, tmp_path, monkeypatch, changes, message
):
    monkeypatch.chdir(photos)
    done = run(**{"data": photos, "output": tmp_path / "faces", **changes})
    assert done.returncode == 1
    assert done.stderr.startswith("unpg align: ")
    assert message in done.stderr.splitlines()[0]
