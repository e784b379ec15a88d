"""Training images in TFRecord shards, as `write_shards` writes them."""

import fnmatch
import os
import struct
from pathlib import Path

import numpy as np
import tensorflow as tf
from google.protobuf.message import DecodeError

from unpg_tf import json_files
from unpg_tf.data.checksums import masked_crc32c
from unpg_tf.data.selection import select
from unpg_tf.data.shard_stream import ShardStream
from unpg_tf.data.sources import Source
from unpg_tf.data.tables import read_table
from unpg_tf.data.text import text_lines

FORMAT_VERSION = 1
DESCRIPTION = "dataset.json"
IDENTITIES = "identities.txt"
ENCODED = "image/encoded"
INDEX_SUFFIX = ".index"
# Of a record: length and its checksum before it, its own checksum after.
HEAD, FOOT = struct.Struct("<QI"), struct.Struct("<I")
FRAME = HEAD.size + FOOT.size


class ImageShards(Source):
    """The images of TFRecord shards and who is in them.

    `dataset.json` beside the shards lists them, `identities.txt` the names,
    and an `.index` for each shard where its records start and who is in them,
    so that images can be read in any order as well as in the shards' own.

    Args:
        pattern: such as `shards/*.tfrecord`; those that `dataset.json` lists
            and whose names match are taken.
        people: names to restrict the identities to, None for all.
        min_images: identities of fewer images are left out.
        exclude: names of identities to leave out.
        on_left_out: as in `read_folder`.

    Attributes:
        labels: [n] int32 array, indices into `names`.
        names: list of strings.
        image_size: [height, width] in pixels, where all images have the same,
            else None.

    Raises:
        FileNotFoundError: a file that should be there is missing.
        ValueError: a file isn't what was written, or no identity is left.

    Example:
        >>> images = ImageShards("shards/*.tfrecord")
        >>> dataset = training_batches(images, images.labels, 8, image_size=112)
    """

    def __init__(
        self,
        pattern,
        people=None,
        min_images=1,
        exclude=(),
        on_left_out=None,
    ):
        folder, pattern = Path(pattern).parent, Path(pattern).name
        description = _description(folder / DESCRIPTION)
        self.image_size = description["image_size"]
        shards = [
            shard
            for shard in description["shards"]
            if fnmatch.fnmatchcase(shard["file"], pattern)
        ]
        if not shards:
            raise FileNotFoundError(
                f"Expected shards that match {pattern} in "
                f"{folder / DESCRIPTION}. Received: none of "
                f"{len(description['shards'])}"
            )
        names = list(text_lines(folder / IDENTITIES))[: description["classes"]]
        if len(names) != description["classes"]:
            raise ValueError(
                f"{folder / IDENTITIES}: Expected {description['classes']} "
                f"names, as {DESCRIPTION} says. Received: {len(names)}"
            )
        self.paths = [str(folder / shard["file"]) for shard in shards]
        indices = [
            _index(path, shard, len(names))
            for path, shard in zip(self.paths, shards, strict=True)
        ]
        sizes = [len(index["labels"]) for index in indices]
        self._starts = np.concatenate([[0], np.cumsum(sizes)])
        self._offsets = np.concatenate([i["offsets"] for i in indices])
        labels = np.concatenate([i["labels"] for i in indices])
        self._rows, self.labels, self.names = select(
            labels,
            names,
            folder,
            people=people,
            min_images=min_images,
            exclude=exclude,
            on_left_out=on_left_out,
        )

    def __len__(self):
        """Number of images."""
        return len(self.labels)

    def read(self, row):
        """Reads the file of an image, and compares the record's checksum."""
        record, checksum = self._record(row)
        if masked_crc32c(record) != checksum:
            raise ValueError(
                f"{self.where(row)}: Expected the record that was written. "
                "Received: one of another checksum"
            )
        try:
            example = tf.train.Example.FromString(record)
            return example.features.feature[ENCODED].bytes_list.value[0]
        except (DecodeError, IndexError) as error:
            raise ValueError(
                f"{self.where(row)}: Expected a tf.train.Example with "
                f"{ENCODED}. Received: {error}"
            ) from error

    def where(self, row):
        """File and record of an image, to name it in a message."""
        shard, record = self._place(row)
        return f"{self.paths[shard]}, record {record}"

    def contents(self, rows, records=None):
        """[n] integer tensor of rows -> [n] string tensor of files' bytes.

        Args:
            rows: [n] integer tensor.
            records: [n] string tensor, as a `ShardStream` has read them.

        Returns:
            [n] string tensor.
        """

        def read(rows):
            return np.array([self._record(row)[0] for row in rows], object)

        if records is None:
            records = tf.numpy_function(read, [rows], tf.string, stateful=False)
        records = tf.ensure_shape(records, rows.shape)
        feature = tf.io.FixedLenFeature([], tf.string)
        return tf.io.parse_example(records, {ENCODED: feature})[ENCODED]

    def stream(self, batch_size, seed, part=0, parts=1):
        """A `ShardStream` of these images, with the arguments named there."""
        return ShardStream(
            self.paths,
            self._starts,
            self._rows,
            batch_size,
            seed,
            part,
            parts,
        )

    def verify(self):
        """Reads all shards, to compare every record with its checksum.

        Its label, which the checksum covers, is compared with the index.

        Raises:
            ValueError: a record is damaged, or its label in the index is
                another; the message names it.
        """
        for path in self.paths:
            labels = read_table(path + INDEX_SUFFIX)[1]["labels"]
            record = 0
            try:
                for content in tf.data.TFRecordDataset(path):
                    _check_label(content.numpy(), labels[record], path, record)
                    record += 1
            except tf.errors.DataLossError as error:
                raise ValueError(
                    f"{path}, record {record}: Expected the record that was "
                    f"written. Received: {error.message}"
                ) from error

    def _place(self, row):
        """Shard and record of an image."""
        place = self._rows[row]
        shard = np.searchsorted(self._starts, place, "right") - 1
        return shard, place - self._starts[shard]

    def _record(self, row):
        """The bytes of a record, and its checksum."""
        shard, _ = self._place(row)
        offset = int(self._offsets[self._rows[row]])
        with open(self.paths[shard], "rb", buffering=0) as file:
            left = os.fstat(file.fileno()).st_size - offset - FRAME
            head = os.pread(file.fileno(), HEAD.size, offset)
            length = HEAD.unpack(head.ljust(HEAD.size, b"\xff"))[0]
            if length > left:
                raise ValueError(
                    f"{self.where(row)}: Expected a whole record at offset "
                    f"{offset}. Received: a length of {length} bytes"
                )
            end = length + FOOT.size
            body = os.pread(file.fileno(), end, offset + HEAD.size)
            return body[:length], *FOOT.unpack(body[length:])


def _check_label(content, label, path, record):
    example = tf.train.Example.FromString(content)
    own = list(example.features.feature["image/class/label"].int64_list.value)
    if own != [label]:
        raise ValueError(
            f"{path}{INDEX_SUFFIX}: Expected the label {own} of record "
            f"{record}. Received: {label}"
        )


def _description(path):
    """Reads and checks `dataset.json`."""
    if not path.is_file():
        raise FileNotFoundError(
            "Expected the shards of a finished unpg convert, which "
            f"writes {DESCRIPTION} beside them. Received: no {path}"
        )
    try:
        description = json_files.read_object(path)
        version = description["format_version"]
        types = {"images": int, "classes": int, "shards": list}
        sound = all(type(description[k]) is v for k, v in types.items())
        for shard in description["shards"]:
            sound &= isinstance(shard["file"], str)
            sound &= os.path.basename(shard["file"]) == shard["file"]
            sound &= all(type(shard[k]) is int for k in ("images", "bytes"))
        description.setdefault("image_size", None)
    except (
        AttributeError,
        KeyError,
        RecursionError,
        TypeError,
        ValueError,
    ) as error:
        raise ValueError(
            f"{path}: Expected a description of shards. Received: {error!r}"
        ) from error
    if version != FORMAT_VERSION or not sound:
        raise ValueError(
            f"{path}: Expected shards of format_version {FORMAT_VERSION}. "
            f"Received: {version!r}"
        )
    _expect_whole(path, description)
    return description


def _expect_whole(path, description):
    """Raises where shards are missing from the list, or stand there twice."""
    shards = description["shards"]
    found = set()
    for shard in shards:
        if shard["file"] in found:
            raise ValueError(
                f"{path}: Expected each shard once. "
                f"Received: {shard['file']} again"
            )
        found.add(shard["file"])
    total = sum(shard["images"] for shard in shards)
    if total != description["images"]:
        raise ValueError(
            f"{path}: Expected {description['images']} images, as it says, in "
            f"its {len(shards)} shards. Received: {total}"
        )


def _index(path, shard, classes):
    """A shard's index, which fits the shard, the JSON and the names."""
    size = os.path.getsize(path)
    if size != shard["bytes"]:
        raise ValueError(
            f"{path}: Expected {shard['bytes']} bytes. Received: {size}. "
            "unpg convert writes such a shard anew"
        )
    _, index = read_table(path + INDEX_SUFFIX)
    labels, offsets = index.get("labels"), index.get("offsets")
    if (
        labels is None
        or offsets is None
        or not len(labels) == len(offsets) == shard["images"]
    ):
        raise ValueError(
            f"{path}{INDEX_SUFFIX}: Expected {shard['images']} labels and "
            f"offsets. Received: the index of another shard"
        )
    wrong = np.flatnonzero((labels < 0) | (labels >= classes))
    if wrong.size:
        raise ValueError(
            f"{path}, record {wrong[0]}: Expected a label in [0, {classes}). "
            f"Received: {labels[wrong[0]]}"
        )
    wrong = np.flatnonzero((offsets < 0) | (offsets > size - FRAME))
    if wrong.size:
        raise ValueError(
            f"{path}, record {wrong[0]}: Expected an offset within the "
            f"file's {size} bytes. Received: {offsets[wrong[0]]}"
        )
    return index
