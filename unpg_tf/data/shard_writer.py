"""Writes training images to TFRecord shards, and goes on where it stopped."""

import json
import os
import zlib
from pathlib import Path

import numpy as np
import tensorflow as tf

from unpg_tf import ops
from unpg_tf.data import shards
from unpg_tf.data.sources import as_source
from unpg_tf.data.tables import read_table
from unpg_tf.data.tables import write_table
from unpg_tf.files import replaced

_CHUNK = 256


def write_shards(
    images,
    labels,
    names,
    folder,
    *,
    images_per_shard=20_000,
    on_bad_image=None,
    progress=None,
):
    """Writes images, as they are, to TFRecord shards.

    The images are mixed, in the same order in every run, so that those of a
    shard are of many identities. Each is decoded, to see that it is one; each
    shard is read again and compared before it gets its name. A run that was
    interrupted keeps the shards that are whole; `dataset.json` comes last.

    Records are `tf.train.Example`s of `image/encoded`, `image/class/label`,
    `image/class/text`, `image/height` and `image/width`.

    Args:
        images: list of n paths, or a `Source`, such as `InsightFaceRecords`.
        labels: [n] integer array, indices into `names`.
        names: list of the identities' names.
        folder: where to write to; made where it is missing.
        images_per_shard: integer.
        on_bad_image: callable of a message about an image that can't be read,
            such as `SkippedImages`, which is then left out. None stops with
            that message; the shards so far stay.
        progress: callable of the number of images done, or None; a shard that
            is kept counts at once.

    Returns:
        The description that `dataset.json` holds, a dictionary.

    Raises:
        FileExistsError: the folder holds shards of other images.
        OSError: a shard can't be written, or isn't what was written.
        ValueError: an image can't be read; the message names it.

    Example:
        >>> folder = read_folder("lfw")
        >>> write_shards(folder.paths, folder.labels, folder.names, "shards")
        >>> ImageShards("shards/*.tfrecord").names == folder.names
        True
    """
    ops.expect(
        images_per_shard > 0,
        "an image or more in a shard",
        images_per_shard=images_per_shard,
    )
    broken = [name for name in names if len(name.splitlines()) != 1]
    ops.expect(not broken, "names of one line", names=broken[:1])
    folder, source = Path(folder), as_source(images)
    folder.mkdir(parents=True, exist_ok=True)
    order = np.random.default_rng(0).permutation(len(source))
    parts = np.array_split(order, -(-len(source) // images_per_shard))
    writer = _Writer(source, labels, names, on_bad_image, progress)
    listed, sizes = [], set()
    _expect_no_others(folder, writer.state, len(parts))
    for number, rows in enumerate(parts):
        path = folder / f"train-{number:05d}-of-{len(parts):05d}.tfrecord"
        index = writer.kept(path, rows) or writer.write(path, rows)
        sizes |= {*zip(index["heights"], index["widths"], strict=True)}
        listed.append(
            {
                "file": path.name,
                "images": len(index["labels"]),
                "bytes": os.path.getsize(path),
            }
        )
        writer.add_done(len(rows))
    return _describe(folder, names, listed, sizes)


class _Writer:
    """Writes one shard after the other, and knows those that are there."""

    def __init__(self, source, labels, names, on_bad_image, progress):
        self.source, self.labels, self.names = source, labels, names
        self.on_bad_image = on_bad_image
        self.progress = progress
        self.done = 0
        # What a shard has to have been made from to be kept.
        self.state = {
            "first": source.where(0),
            "images": len(source),
            "labels": zlib.crc32(np.asarray(labels, "<i4").tobytes()),
            "names": zlib.crc32("\n".join(names).encode()),
        }

    def add_done(self, count):
        """Takes note of images of a shard that is there."""
        self.done += count
        self._show(0)

    def _show(self, more):
        if self.progress is not None:
            self.progress(self.done + more)

    def kept(self, path, rows):
        """The index of a shard that is there and whole, else None."""
        try:
            head, index = read_table(f"{path}{shards.INDEX_SUFFIX}")
            size = os.path.getsize(path)
        except (FileNotFoundError, ValueError):
            return None
        if head != self._head(size, rows):
            return None
        return index

    def write(self, path, rows):
        """Writes a shard and its index, and returns the index."""
        # What a run that was killed has left of them.
        for left in path.parent.glob(f".{path.name}.*"):
            left.unlink(missing_ok=True)
        with replaced(path) as temporary:
            index, checksums = self._records(str(temporary), rows)
            _verify(str(temporary), path, checksums)
            size = os.path.getsize(temporary)
        index = {name: np.asarray(v, "<i8") for name, v in index.items()}
        index["labels"] = index["labels"].astype("<i4")
        table = f"{path}{shards.INDEX_SUFFIX}"
        write_table(table, self._head(size, rows), index)
        return index

    def _head(self, size, rows):
        # What a run that skips has left out, one that stops must not keep.
        return {
            "bytes": size,
            "rows": zlib.crc32(np.asarray(rows, "<i8").tobytes()),
            "skipping": self.on_bad_image is not None,
            **self.state,
        }

    def _records(self, path, rows):
        names = ("labels", "offsets", "heights", "widths")
        index, checksums, offset = {name: [] for name in names}, [], 0
        with tf.io.TFRecordWriter(path) as file:
            for row, contents, size in self._images(rows):
                record = self._example(row, contents, *size)
                file.write(record)
                values = (self.labels[row], offset, *size)
                for name, value in zip(names, values, strict=True):
                    index[name].append(int(value))
                checksums.append(zlib.crc32(record))
                offset += len(record) + shards.FRAME
        return index, checksums

    def _images(self, rows):
        """Yields row, file's bytes and (height, width) of each good image."""
        for start in range(0, len(rows), _CHUNK):
            # All of a shard only once it is compared.
            if start:
                self._show(start)
            chunk = rows[start : start + _CHUNK]
            contents = [self._read(row) for row in chunk]
            for row, file, size in zip(
                chunk, contents, _sizes(contents), strict=True
            ):
                if size is not None:
                    yield row, file, size
                elif file:
                    self._bad(row, "Expected a JPEG, PNG, BMP or GIF image.")

    def _read(self, row):
        """An image's file, empty where it can't be read."""
        try:
            contents = self.source.read(row)
        except (OSError, ValueError) as error:
            self._bad(row, f"Expected a file that can be read: {error}.")
            return b""
        if not contents:
            self._bad(row, "Expected a JPEG, PNG, BMP or GIF image.")
        return contents

    def _bad(self, row, expected):
        message = f"{expected} Received: {self.source.where(row)}"
        if self.on_bad_image is None:
            raise ValueError(message)
        self.on_bad_image(message)

    def _example(self, row, contents, height, width):
        label = int(self.labels[row])
        features = {
            shards.ENCODED: _bytes(contents),
            "image/class/label": _integer(label),
            "image/class/text": _bytes(self.names[label].encode()),
            "image/height": _integer(height),
            "image/width": _integer(width),
        }
        features = tf.train.Features(feature=features)
        return tf.train.Example(features=features).SerializeToString(
            deterministic=True
        )


def _bytes(value):
    return tf.train.Feature(bytes_list=tf.train.BytesList(value=[value]))


def _integer(value):
    return tf.train.Feature(int64_list=tf.train.Int64List(value=[value]))


def _sizes(contents):
    """(height, width) of each image, None where it can't be decoded."""
    dataset = tf.data.Dataset.from_tensor_slices(contents).enumerate()
    shapes = dataset.map(
        lambda i, file: (i, tf.shape(_decoded(file))[:2]), tf.data.AUTOTUNE
    )
    sizes = [None] * len(contents)
    for i, size in shapes.ignore_errors().as_numpy_iterator():
        sizes[i] = tuple(size.tolist())
    return sizes


def _decoded(file):
    return tf.io.decode_image(file, channels=3, expand_animations=False)


def _verify(temporary, path, checksums):
    """Reads a shard again, and compares."""
    records = tf.data.TFRecordDataset(temporary).as_numpy_iterator()
    try:
        read = [zlib.crc32(record) for record in records]
    except tf.errors.DataLossError as error:
        raise OSError(f"{path}: Expected what was written. {error}") from error
    if read != checksums:
        raise OSError(
            f"{path}: Expected the {len(checksums)} records that were "
            f"written. Received: {len(read)} records, not the same"
        )


def _expect_no_others(folder, state, count):
    """Raises a FileExistsError where shards of other images stand."""
    for path in sorted(folder.glob("*.tfrecord")):
        try:
            head, _ = read_table(f"{path}{shards.INDEX_SUFFIX}")
        except (FileNotFoundError, ValueError):
            head = state  # Unfinished.
        same = all(head.get(name) == value for name, value in state.items())
        if not same or not path.stem.endswith(f"-of-{count:05d}"):
            raise FileExistsError(
                "Expected a folder without shards of other images, or in "
                f"another number. Received: {path}"
            )


def _describe(folder, names, listed, sizes):
    """Writes the files beside the shards."""
    description = {
        "format_version": shards.FORMAT_VERSION,
        "images": sum(shard["images"] for shard in listed),
        "classes": len(names),
        "image_size": [int(v) for v in sizes.pop()]
        if len(sizes) == 1
        else None,
        "shards": listed,
    }
    with replaced(folder / shards.IDENTITIES) as temporary:
        text = "".join(f"{name}\n" for name in names)
        temporary.write_text(text, encoding="utf-8")
    with replaced(folder / shards.DESCRIPTION) as temporary:
        temporary.write_text(json.dumps(description, indent=1))
    return description
