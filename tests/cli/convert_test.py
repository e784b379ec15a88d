"""`unpg convert` as a program, and `unpg train` on what it wrote."""

import csv

import numpy as np
import pytest
import tensorflow as tf

from tests.cli.programs import run
from tests.data import records
from unpg_tf.data import ImageShards

TINY = {
    "image_size": 32,
    "embedding_dim": 8,
    "batch_size": 4,
    "epochs": 1,
    "scale": 16,
}


@pytest.fixture
def path(tmp_path):
    """A record file of four identities with three images each."""
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (12, 40, 40, 3)).astype(np.uint8)
    encoded = [tf.io.encode_png(image).numpy() for image in images]
    path = tmp_path / "train.rec"
    images = [(i // 3, contents) for i, contents in enumerate(encoded)]
    records.write(path, images, classes=4)
    return path


def test_records_become_shards_that_train(path, tmp_path):
    shards = tmp_path / "shards"
    (tmp_path / "out.txt").write_text("3\n")
    code, output, errors = run(
        "convert",
        data=path,
        output=shards,
        exclude_people=tmp_path / "out.txt",
        images_per_shard=4,
    )
    assert code == 0, errors
    machine, data, *_, result, files = output.splitlines()
    assert machine.startswith("TensorFlow ")
    assert data == (
        f"{path}: 9 images of 3 identities. "
        "Left out: 1 identity excluded (3 images)"
    )
    assert "9 images of 3 identities in 3 shards" in result
    assert files.startswith(f"Written: {shards}/")
    assert errors == ""
    assert ImageShards(shards / "*.tfrecord").names == ["0", "1", "2"]
    # One of which the training can't read.
    shard = shards / "train-00001-of-00003.tfrecord"
    contents = bytearray(shard.read_bytes())
    contents[-100] ^= 1
    shard.write_bytes(contents)
    for on_bad_image in ("stop", "skip"):
        code, output, errors = run(
            "train",
            "--nocache",
            **TINY,
            data=shards / "*.tfrecord",
            output_dir=tmp_path / on_bad_image,
            on_bad_image=on_bad_image,
        )
        assert code == (1 if on_bad_image == "stop" else 0), errors
        assert "9 images of 3 identities" in output
        assert f"{shard}, record 2: Expected the record that was" in errors
        assert "Traceback" not in errors


def damage(path, number):
    """Makes an image one that can't be decoded; returns where it stands."""
    contents = path.read_bytes()
    at = -1
    for _ in range(number):
        at = contents.index(b"\x89PNG", at + 1)
    path.write_bytes(contents[:at] + b"none" + contents[at + 4 :])
    return f"{path}, record {number}"


def test_a_bad_image_stops_a_training_by_its_name(path, tmp_path):
    bad = damage(path, 5)
    for cache in ("--cache", "--nocache"):
        code, _, errors = run(
            "train", cache, **TINY, data=path, output_dir=tmp_path / cache
        )
        assert code == 1
        assert errors.splitlines()[-1] == (
            "unpg train: Expected a JPEG, PNG, BMP or GIF image. "
            f"Received: {bad}"
        )


def test_records_without_an_image_are_skipped_and_counted(path, tmp_path):
    """One that can't be decoded, and one that can't be opened."""
    bad = damage(path, 5)
    index = path.with_suffix(".idx")
    index.write_text(index.read_text().replace("\n9\t", "\n9\t9"))
    for _ in range(2):
        code, output, errors = run(
            "convert",
            "--on_bad_image=skip",
            data=path,
            output=tmp_path / "s",
        )
        assert code == 0, errors
        assert "10 images of 4 identities in 1 shards" in output
        assert "2 skipped" in output
    code, _, errors = run(
        "train",
        "--nocache",
        "--on_bad_image=skip",
        **{**TINY, "batch_size": 11},
        data=path,
        output_dir=tmp_path / "run",
    )
    assert code == 0, errors
    with (tmp_path / "run" / "log.csv").open(newline="") as file:
        (row,) = csv.DictReader(file)
    assert float(row["skipped_images"]) == 2
    message = f"Expected a JPEG, PNG, BMP or GIF image. Received: {bad}"
    assert f"Skipped: {message}" in errors
    code, _, errors = run("convert", data=path, output=tmp_path / "t")
    assert code == 1
    assert errors.splitlines()[-1].startswith(f"unpg convert: {path}, offset 9")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"output": None}, "Expected --output. Received: none"),
        ({"data": "nowhere/*.tfrecord"}, "dataset.json"),
        ({"exclude_people": "nobody.txt"}, "nobody.txt"),
        ({"min_images": 4}, "min_images=4"),
    ],
)
def test_an_error_exits_with_a_message(path, tmp_path, changes, message):
    values = {"data": path, "output": tmp_path / "new", **changes}
    values = {k: v for k, v in values.items() if v is not None}
    code, _, errors = run("convert", **values)
    assert code == 1
    assert errors.startswith("unpg convert: ")
    assert message in errors.splitlines()[0]
    assert not (tmp_path / "new").exists()
