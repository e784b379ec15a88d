import json
import struct

import hypothesis
import numpy as np
import pytest
import tensorflow as tf
from hypothesis import strategies as st

from unpg_tf.data import Augmentation
from unpg_tf.data import ImageShards
from unpg_tf.data import SkippedImages
from unpg_tf.data import bad_image_message
from unpg_tf.data import load_images
from unpg_tf.data import training_batches
from unpg_tf.data import write_shards
from unpg_tf.data.tables import read_table
from unpg_tf.data.tables import write_table

COUNT, SIZE, BATCH = 23, 8, 4
NAMES = ["Ada", "Zoë K", "Cid"]
LABELS = np.arange(COUNT) % 3


def png(i, size=SIZE):
    return tf.io.encode_png(np.full((size, size, 3), 10 * i, np.uint8)).numpy()


@pytest.fixture
def paths(tmp_path):
    """Images that tell their number: all pixels of image i are 10 i."""
    paths = [tmp_path / "images" / f"{i}.png" for i in range(COUNT)]
    paths[0].parent.mkdir()
    for i, path in enumerate(paths):
        path.write_bytes(png(i))
    return list(map(str, paths))


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "shards"


def write(paths, folder, **options):
    options = {"images_per_shard": 6, **options}
    return write_shards(paths, LABELS[: len(paths)], NAMES, folder, **options)


def numbers(images):
    return (np.asarray(images)[:, 0, 0, 0] // 10).tolist()


def test_what_was_written_is_read(paths, folder):
    done = []
    description = write(paths, folder, progress=done.append)
    assert json.loads((folder / "dataset.json").read_text()) == description
    assert description["images"] == COUNT
    assert description["classes"] == 3
    assert description["image_size"] == [SIZE, SIZE]
    assert [shard["images"] for shard in description["shards"]] == [6, 6, 6, 5]
    assert done == [6, 12, 18, 23]
    images = ImageShards(folder / "*.tfrecord")
    assert images.names == NAMES and images.image_size == [SIZE, SIZE]
    read = numbers(load_images(images, SIZE))
    assert sorted(read) == list(range(COUNT))
    np.testing.assert_array_equal(images.labels, LABELS[read])
    assert [images.read(i) for i in range(COUNT)] == [png(i) for i in read]
    some = ImageShards(folder / "*-0000[13]-of-*")
    assert numbers(load_images(some, SIZE)) == read[6:12] + read[18:]


def test_records_are_examples_that_others_read(paths, folder):
    write(paths, folder)
    path = folder / "train-00000-of-00004.tfrecord"
    record = next(iter(tf.data.TFRecordDataset(str(path))))
    values = tf.io.parse_single_example(
        record,
        {
            "image/encoded": tf.io.FixedLenFeature([], tf.string),
            "image/class/label": tf.io.FixedLenFeature([], tf.int64),
            "image/class/text": tf.io.FixedLenFeature([], tf.string),
            "image/height": tf.io.FixedLenFeature([], tf.int64),
            "image/width": tf.io.FixedLenFeature([], tf.int64),
        },
    )
    (number,) = numbers([tf.io.decode_png(values["image/encoded"])])
    assert values["image/class/label"] == LABELS[number]
    assert values["image/class/text"] == NAMES[LABELS[number]].encode()
    assert values["image/height"] == values["image/width"] == SIZE


def test_an_epoch_holds_no_image_twice_and_resumes(paths, folder):
    write(paths, folder)
    images = ImageShards(folder / "*.tfrecord")
    options = {"image_size": SIZE, "seed": 2}
    dataset = training_batches(images, images.labels, BATCH, **options)
    steps = COUNT // BATCH
    epochs = []
    batches = list(dataset.take(3 * steps))
    for epoch in range(3):
        seen = []
        for pixels, labels in batches[epoch * steps :][:steps]:
            np.testing.assert_array_equal(LABELS[numbers(pixels)], labels)
            seen += numbers(pixels)
        assert len(set(seen)) == len(seen) == steps * BATCH
        epochs.append(seen)
    assert epochs[0] != epochs[1] != epochs[2]
    resumed = training_batches(
        images, images.labels, BATCH, first_epoch=2, **options
    )
    again = [n for x, _ in resumed.take(steps) for n in numbers(x)]
    assert again == epochs[2]


def test_identities_are_left_out_of_the_stream(paths, folder):
    write(paths, folder)
    images = ImageShards(
        folder / "*.tfrecord",
        people=["Ada", "Cid"],
        min_images=8,
        exclude=["Bob"],
    )
    assert images.names == ["Ada"]
    dataset = training_batches(images, images.labels, 8, image_size=SIZE)
    (batch,) = dataset.take(1)
    assert sorted(numbers(batch[0])) == list(range(0, COUNT, 3))
    with pytest.raises(ValueError, match="min_images=9.*3 identities"):
        ImageShards(folder / "*.tfrecord", min_images=9)


@pytest.mark.parametrize(("workers", "left_out"), [(2, []), (6, ["Zoë K"])])
def test_workers_share_out_the_images(paths, folder, workers, left_out):
    """Of 4 shards that aren't of one size: no image falls to two workers."""
    write(paths, folder)
    images = ImageShards(folder / "*.tfrecord", exclude=left_out)
    batch_size = 6
    steps = len(images) // batch_size
    epochs = [[], []]
    for worker in range(workers):
        context = tf.distribute.InputContext(workers, worker, workers)
        dataset = training_batches(
            images,
            images.labels,
            batch_size,
            image_size=SIZE,
            augment=Augmentation(brightness=1e-9),
            context=context,
        )
        for i, (pixels, labels) in enumerate(dataset.take(2 * steps)):
            assert pixels.shape == [batch_size // workers, SIZE, SIZE, 3]
            names = [images.names[label] for label in labels]
            # The augmentation changes the last bits.
            seen = numbers(np.round(pixels).astype(int))
            assert names == [NAMES[LABELS[n]] for n in seen]
            epochs[i // steps] += seen
    for epoch in epochs:
        assert len(set(epoch)) == len(epoch) == steps * batch_size
    assert epochs[0] != epochs[1]


def test_balanced_batches_read_records_in_any_order(paths, folder):
    write(paths, folder)
    images = ImageShards(folder / "*.tfrecord")
    dataset = training_batches(
        images, images.labels, 6, image_size=SIZE, identities_per_batch=3
    )
    for pixels, labels in dataset.take(5):
        np.testing.assert_array_equal(LABELS[numbers(pixels)], labels)
        assert np.bincount(labels).tolist() == [2, 2, 2]


def test_whole_shards_are_kept_and_others_written_anew(paths, folder):
    write(paths, folder)
    shards = sorted(folder.glob("*.tfrecord"))
    times = [shard.stat().st_mtime_ns for shard in shards]
    contents = [shard.read_bytes() for shard in shards]
    (folder / "dataset.json").unlink()
    shards[1].unlink()
    shards[2].write_bytes(contents[2][:-1])
    (folder / f"{shards[3].name}.index").unlink()
    for name in (shards[1].name, f"{shards[3].name}.index"):
        (folder / f".{name}.4321").write_text("half")
    write(paths, folder)
    assert not list(folder.glob(".*"))
    assert [shard.read_bytes() for shard in shards] == contents
    again = [shard.stat().st_mtime_ns for shard in shards]
    assert [a == b for a, b in zip(again, times, strict=True)] == [
        True,
        False,
        False,
        False,
    ]
    assert len(ImageShards(folder / "*.tfrecord")) == COUNT


def test_a_bad_image_stops_or_is_left_out(paths, folder):
    with open(paths[4], "wb") as file:
        file.write(b"nothing")
    with open(paths[9], "wb"):
        pass
    with pytest.raises(ValueError, match=r"JPEG, PNG, BMP or GIF.*(4|9)\.png"):
        write(paths, folder)
    assert not (folder / "dataset.json").exists()
    skipped = SkippedImages()
    description = write(paths, folder, on_bad_image=skipped)
    assert description["images"] == COUNT - 2
    assert len(skipped.messages) == 2
    read = numbers(load_images(ImageShards(folder / "*.tfrecord"), SIZE))
    assert sorted(read) == [i for i in range(COUNT) if i not in (4, 9)]


def test_images_of_several_sizes(paths, folder):
    with open(paths[4], "wb") as file:
        file.write(png(4, size=5))
    assert write(paths, folder)["image_size"] is None
    images = ImageShards(folder / "*.tfrecord")
    assert sorted(numbers(load_images(images, SIZE))) == list(range(COUNT))


def test_shards_of_other_images_are_left_alone(paths, folder):
    write(paths, folder)
    for others, options in ((paths[1:], {}), (paths, {"images_per_shard": 9})):
        with pytest.raises(FileExistsError, match="other images.*tfrecord"):
            write(others, folder, **options)
    assert len(ImageShards(folder / "*.tfrecord")) == COUNT


def test_files_that_do_not_fit_each_other_are_named(paths, folder):
    pattern = folder / "*.tfrecord"
    with pytest.raises(FileNotFoundError, match="unpg convert.*dataset.json"):
        ImageShards(pattern)
    write(paths, folder)
    with pytest.raises(FileNotFoundError, match=r"match \*.rec .*none of 4"):
        ImageShards(folder / "*.rec")
    first, second, *_ = sorted(folder.glob("*.tfrecord"))
    contents = first.read_bytes()
    first.write_bytes(contents[:-1])
    with pytest.raises(ValueError, match=f"{first.name}: Expected .* bytes"):
        ImageShards(pattern)
    first.write_bytes(contents)
    second.with_name(f"{second.name}.index").write_bytes(
        first.with_name(f"{first.name}.index").read_bytes()
    )
    names = folder / "identities.txt"
    names.write_bytes(b"Ada\n\xff\n")
    with pytest.raises(ValueError, match="identities.txt:2: .* in UTF-8"):
        ImageShards(pattern)
    names.write_text("Ada\n")
    with pytest.raises(ValueError, match="txt: Expected 3 names.*Received: 1"):
        ImageShards(pattern)
    description = json.loads((folder / "dataset.json").read_text())
    shards = description["shards"]
    for listed, message in (
        (shards[1:], f"Expected {COUNT} images, .* in its 3 shards"),
        ([*shards, shards[0]], "each shard once. Received: train-00000-of"),
    ):
        (folder / "dataset.json").write_text(
            json.dumps({**description, "shards": listed})
        )
        with pytest.raises(ValueError, match=f"dataset.json: .*{message}"):
            ImageShards(pattern)
    description["classes"] = 1
    (folder / "dataset.json").write_text(json.dumps(description))
    with pytest.raises(ValueError, match=r"record \d+: .* label in \[0, 1\)"):
        ImageShards(pattern)
    description["format_version"] = 2
    (folder / "dataset.json").write_text(json.dumps(description))
    with pytest.raises(ValueError, match="format_version 1. Received: 2"):
        ImageShards(pattern)
    (folder / "dataset.json").write_text("[" * 100_000)
    with pytest.raises(ValueError, match="json: Expected a description"):
        ImageShards(pattern)


def damage(path, record, at):
    """Turns a bit of a byte of a record, its checksums included."""
    contents = bytearray(path.read_bytes())
    bounds = [0]
    while bounds[-1] < len(contents):
        (length,) = struct.unpack_from("<Q", contents, bounds[-1])
        bounds.append(bounds[-1] + length + 16)
    start, end = bounds[record : record + 2]
    contents[range(start, end)[at]] ^= 1
    path.write_bytes(contents)


def test_a_damaged_record_is_found(paths, folder):
    write(paths, folder)
    path = folder / "train-00002-of-00004.tfrecord"
    damage(path, 2, -20)
    images = ImageShards(folder / "*.tfrecord")
    dataset = training_batches(images, images.labels, BATCH, image_size=SIZE)
    with pytest.raises(tf.errors.InvalidArgumentError) as error:
        list(dataset.take(COUNT // BATCH))
    assert bad_image_message(error.value) == (
        f"Expected an image that can be read. Received: {path}, record 2: "
        "Expected the record that was written. Received: one of another "
        "checksum"
    )
    with pytest.raises(ValueError, match="train-00002-of-00004.*record"):
        images.verify()


def test_a_label_of_the_index_that_is_not_the_record_s_is_found(paths, folder):
    write(paths, folder)
    images = ImageShards(folder / "*.tfrecord")
    images.verify()
    path = folder / "train-00001-of-00004.tfrecord.index"
    head, arrays = read_table(path)
    arrays["labels"][3] = (arrays["labels"][3] + 1) % 3
    write_table(path, head, arrays)
    with pytest.raises(ValueError, match="00001-of-00004.*index.*record 3"):
        images.verify()


# A byte of the record's length, of the file in it, and of the checksum.
@pytest.mark.parametrize("at", [0, -20, -1])
def test_a_damaged_record_is_skipped_and_no_other(paths, folder, at):
    write(paths, folder)
    path = folder / "train-00002-of-00004.tfrecord"
    images = ImageShards(folder / "*.tfrecord")
    right = numbers(load_images(images, SIZE))
    damage(path, 2, at)
    skipped = SkippedImages()
    dataset = training_batches(
        images,
        np.arange(COUNT),
        COUNT,
        image_size=SIZE,
        on_bad_image=skipped,
    )
    damaged = 2 * 6 + 2
    for pixels, rows in dataset.take(3).as_numpy_iterator():
        assert set(rows) == set(range(COUNT)) - {damaged}
        assert numbers(pixels) == [right[row] for row in rows]
    (message,) = skipped.messages
    assert f"{path}, record 2: Expected" in message


def test_a_shard_that_goes_while_it_is_needed_hangs_nobody(paths, folder):
    write(paths, folder)
    images = ImageShards(folder / "*.tfrecord")
    path = folder / "train-00001-of-00004.tfrecord"
    path.unlink()
    skipped = SkippedImages()
    options = {"image_size": SIZE}
    dataset = training_batches(
        images, np.arange(COUNT), COUNT, on_bad_image=skipped, **options
    )
    _, rows = next(dataset.as_numpy_iterator())
    assert set(rows) == {*range(6), *range(12, COUNT)}
    assert len(skipped.messages) == 6
    assert all(f"{path}, record" in message for message in skipped.messages)
    dataset = training_batches(images, images.labels, COUNT, **options)
    with pytest.raises(tf.errors.InvalidArgumentError) as error:
        next(iter(dataset))
    assert f"Received: {path}" in bad_image_message(error.value)


@hypothesis.settings(
    deadline=None,
    max_examples=40,
    suppress_health_check=[hypothesis.HealthCheck.function_scoped_fixture],
)
@hypothesis.given(
    st.sampled_from(["dataset.json", "index", "tfrecord"]),
    st.integers(0, 700),
    st.binary(max_size=9),
)
def test_damage_gives_images_or_a_value_error(paths, folder, which, at, bytes_):
    write(paths[:5], folder)
    (file,) = folder.glob(f"*{which}")
    contents = file.read_bytes()
    at = min(at, len(contents))
    file.write_bytes(contents[:at] + bytes_ + contents[at + len(bytes_) :])
    try:
        images = ImageShards(folder / "*.tfrecord")
        for row in range(len(images)):
            images.read(row)
    except (ValueError, FileNotFoundError) as error:
        assert str(folder) in str(error)
    finally:
        file.write_bytes(contents)
