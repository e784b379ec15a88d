"""What unpg train says about the batch of a step."""

import numpy as np
import pytest
import tensorflow as tf

from tests.cli.given import given
from tests.data import records
from unpg_tf import data
from unpg_tf.cli.train import data as train_data
from unpg_tf.cli.train.flags import FLAGS

COUNT, SIZE, BATCH, STEP = 24, 8, 4, 7
LABELS = np.arange(COUNT, dtype=np.int32) // 4
# Images that tell their number: all pixels of image i are 10 i.
PIXELS = np.full([COUNT, SIZE, SIZE, 3], 10, np.uint8)
PIXELS *= np.arange(COUNT, dtype=np.uint8)[:, None, None, None]


@pytest.fixture
def paths(tmp_path):
    paths = [str(tmp_path / f"{i}.png") for i in range(COUNT)]
    for path, pixels in zip(paths, PIXELS, strict=True):
        tf.io.write_file(path, tf.io.encode_png(pixels))
    return paths


def sharded(paths, folder):
    names = list("abcdef")
    data.write_shards(paths, LABELS, names, folder, images_per_shard=9)
    images = data.ImageShards(folder / "*.tfrecord")
    return train_data.TrainingSet(images, images.labels, images.where)


@pytest.mark.parametrize("identities", [None, 2])
@pytest.mark.parametrize("kind", ["pixels", "paths", "shards"])
def test_its_names_are_those_of_its_images(paths, tmp_path, kind, identities):
    training_set = {
        "pixels": lambda: train_data.TrainingSet(PIXELS, LABELS, str),
        "paths": lambda: train_data.TrainingSet(
            paths, LABELS, paths.__getitem__
        ),
        "shards": lambda: sharded(paths, tmp_path / "shards"),
    }[kind]()
    options = {
        "batch_size": BATCH,
        "image_size": SIZE,
        "augment": lambda images, seed: tf.reverse(images, [2]),
        "identities_per_batch": identities,
    }
    with given(FLAGS, identities_per_batch=identities):
        images, labels, names = train_data.batch_of(
            STEP, training_set, **options
        )
    expected, expected_labels = next(
        iter(
            data.training_batches(*training_set[:2], first_step=STEP, **options)
        )
    )
    np.testing.assert_array_equal(images, expected)
    np.testing.assert_array_equal(labels, expected_labels)
    whose = images[:, 0, 0, 0] // 10
    np.testing.assert_array_equal(labels, LABELS[whose])
    if kind == "shards":
        stored = {
            training_set.where(row): training_set.images.read(row)
            for row in range(COUNT)
        }
        for name, image in zip(names, images, strict=True):
            pixels = tf.io.decode_png(stored[name])
            np.testing.assert_array_equal(pixels, image)
    else:
        known = paths if kind == "paths" else list(map(str, range(COUNT)))
        assert names == [known[i] for i in whose]


@pytest.fixture
def record_file(tmp_path):
    """Of six identities with four images each, one of them left out."""
    images = [
        (label, tf.io.encode_png(pixels).numpy())
        for label, pixels in zip(LABELS, PIXELS, strict=True)
    ]
    records.write(tmp_path / "train.rec", images, classes=6)
    (tmp_path / "out.txt").write_text("1\n")
    return tmp_path / "train.rec"


def training_set(path, on_bad_image=None, **values):
    excluded = str(path.with_name("out.txt"))
    values = {"data": str(path), "exclude_people": excluded, **values}
    with given(FLAGS, image_size=SIZE, **values):
        return train_data.training_set(on_bad_image)


def test_images_in_memory_are_those_that_would_be_read(record_file):
    options = {"batch_size": BATCH, "image_size": SIZE}
    decoded, read = (
        training_set(record_file, cache=cache) for cache in (True, False)
    )
    assert len(decoded.labels) == COUNT - 4
    for step in (0, STEP):
        for here, there in zip(
            train_data.batch_of(step, decoded, **options),
            train_data.batch_of(step, read, **options),
            strict=True,
        ):
            np.testing.assert_array_equal(here, there)


def test_an_image_that_is_none_never_gets_into_memory(record_file):
    contents = record_file.read_bytes()
    record_file.write_bytes(contents.replace(b"\x89PNG", b"none", 1))
    skipped = data.SkippedImages()
    images, labels, where = training_set(record_file, skipped, cache=True)
    np.testing.assert_array_equal(
        images[:, 0, 0, 0] // 10, [1, 2, 3, *range(8, COUNT)]
    )
    np.testing.assert_array_equal(labels[:4], [0, 0, 0, 1])
    assert where(0) == f"{record_file}, record 2"
    (message,) = skipped.messages
    assert message.endswith(f"Received: {record_file}, record 1")
    with pytest.raises(ValueError, match="train.rec, record 1"):
        training_set(record_file, cache=True)
