"""Files and folders that may not be read or written, and what is said."""

import csv

import pytest
import tensorflow as tf

from tests.cli import programs
from tests.data import records
from unpg_tf import data

SIZE = 32
TRAIN = {
    "backbone": "small",
    "image_size": SIZE,
    "batch_size": 4,
    "epochs": 1,
    "embedding_dim": 8,
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """The same images in a folder, in a .rec file, and in a shard."""
    path = tmp_path_factory.mktemp("data")
    images, labels = data.labelled_images(2, 4, SIZE)
    encoded = [tf.io.encode_png(image).numpy() for image in images]
    for number, (label, png) in enumerate(zip(labels, encoded, strict=True)):
        file = path / "faces" / f"P{label}" / f"{number}.png"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(png)
    records.write(path / "train.rec", list(zip(labels, encoded, strict=True)))
    faces = data.read_folder(path / "faces")
    data.write_shards(*faces, path / "shards")
    (path / "m.keras").write_bytes(b"PK")
    (path / "pairs.txt").write_text("1\nP0\t1\t2\nP0\t1\tP1\t1\n")
    return path


def run_without(path, program, *arguments, **flags):
    """Runs a program while `path` may be neither read nor written."""
    mode = path.stat().st_mode
    path.chmod(0o500 if path.name == "closed" else 0)
    try:
        return programs.run(
            program, *arguments, condition=("ordinary_user",), **flags
        )
    finally:
        path.chmod(mode)


@pytest.mark.parametrize(
    ("closed", "flags"),
    [
        ("faces/P0/0.png", {"data": "faces"}),
        ("train.rec", {"data": "train.rec"}),
        ("shards/dataset.json", {"data": "shards/*.tfrecord"}),
        (
            "shards/train-00000-of-00001.tfrecord",
            {"data": "shards/*.tfrecord", "cache": False},
        ),
    ],
)
def test_training_names_what_it_may_not_read(folder, tmp_path, closed, flags):
    done = run_without(
        folder / closed,
        "train",
        **{**TRAIN, **flags, "data": folder / flags["data"]},
        output_dir=tmp_path,
    )
    assert done.returncode == 1, done.stderr
    last = done.stderr.strip().splitlines()[-1]
    assert last.startswith("unpg train: ")
    assert str(folder / closed) in last
    assert "Traceback" not in done.stderr


def test_training_skips_an_image_that_it_may_not_read(folder, tmp_path):
    """And one that is none; it has them decoded in memory before it starts."""
    broken = folder / "faces/P1/broken.png"
    broken.write_bytes(b"\x89PNG")
    done = run_without(
        folder / "faces/P0/0.png",
        "train",
        **TRAIN,
        data=folder / "faces",
        identities_per_batch=2,
        on_bad_image="skip",
        output_dir=tmp_path,
    )
    broken.unlink()
    assert done.returncode == 0, done.stderr
    assert "faces/P0/0.png" in done.stderr
    assert f"JPEG, PNG, BMP or GIF image. Received: {broken}" in done.stderr
    with (tmp_path / "log.csv").open(newline="") as file:
        (row,) = csv.DictReader(file)
    assert float(row["skipped_images"]) == 2


@pytest.mark.parametrize(
    ("closed", "program", "flags"),
    [
        (
            "m.keras",
            "evaluate",
            {"model": "m.keras", "data": "faces", "pairs": "pairs.txt"},
        ),
        ("faces/P1", "convert", {"data": "faces", "output": "new"}),
        ("closed", "convert", {"data": "faces", "output": "closed/new"}),
    ],
)
def test_other_programs_name_it_too(folder, closed, program, flags):
    (folder / "closed").mkdir(exist_ok=True)
    flags = {name: folder / path for name, path in flags.items()}
    done = run_without(folder / closed, program, **flags)
    assert done.returncode == 1, done.stderr
    last = done.stderr.strip().splitlines()[-1]
    assert last.startswith(f"unpg {program}: ")
    assert str(folder / closed) in last
    assert "Traceback" not in done.stderr
    assert not list((folder / "closed").iterdir())
