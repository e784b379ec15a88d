"""InsightFace's training sets: images and labels in a RecordIO file."""

import os
import struct
from pathlib import Path

import numpy as np

from unpg_tf.data.recordio import RecordFile
from unpg_tf.data.recordio import read_index
from unpg_tf.data.selection import select
from unpg_tf.data.sources import Source
from unpg_tf.data.tables import cached
from unpg_tf.data.text import is_whole

# flag, label, id, id2; where flag > 0 as many float32 labels follow.
_HEADER = struct.Struct("<IfQQ")


class InsightFaceRecords(Source):
    """The images of a `.rec` file and who is in them.

    Beside FILE.rec stands FILE.idx with the records' offsets, and maybe
    FILE.property with `classes,height,width`. Record 0 may be a header, whose
    two labels give the keys of the identity records; the images are the keys
    from 1 up to these. Without one every record is an image. All headers are
    read once, to check and to know the labels; images are read when asked for.

    Args:
        path: the `.rec` file.
        people: names of the identities (their numbers in the file) to restrict
            them to, None for all.
        min_images: identities of fewer images are left out.
        exclude: names of identities to leave out.
        index: path of a file to keep the keys, offsets and labels in, which
            spares reading millions of headers at each start. It is made anew
            when a file has changed since. None reads them.
        on_bad_image: callable of a message about a record that is broken or
            whose label is no class, such as `SkippedImages`; that is left out
            then. None stops with that message.
        on_left_out: as in `read_folder`.
        progress: callable of the numbers of records whose headers are read
            and of all, or None.

    Attributes:
        labels: [n] int32 array, indices into `names`.
        names: list of the identities' numbers in the file, as strings.

    Raises:
        FileNotFoundError: there is no such `.rec` or `.idx`.
        ValueError: the files don't fit each other, a record is broken, a label
            is no class of the file, or no identity is left. The message names
            file and record.

    Example:
        >>> images = InsightFaceRecords("faces_emore/train.rec")
        >>> dataset = training_batches(images, images.labels, 8, image_size=112)
    """

    def __init__(
        self,
        path,
        people=None,
        min_images=1,
        exclude=(),
        index=None,
        on_bad_image=None,
        on_left_out=None,
        progress=None,
    ):
        self.path = Path(path)
        for file in (self.path, self.path.with_suffix(".idx")):
            if not file.is_file():
                raise FileNotFoundError(
                    "Expected a .rec file with its .idx file beside it. "
                    f"Received: no file {file}"
                )
        self._file = RecordFile(path)
        state = None if index is None else self._state()
        try:
            scanned = cached(
                index, state, lambda: self._scan(progress=progress)
            )
        except ValueError:
            if on_bad_image is None:
                raise
            # Not kept: one that stops has to meet them as well.
            scanned = self._scan(on_bad_image, progress)
        present, labels = np.unique(scanned["labels"], return_inverse=True)
        rows, self.labels, self.names = select(
            labels,
            present.astype(str).tolist(),
            path,
            people=people,
            min_images=min_images,
            exclude=exclude,
            on_left_out=on_left_out,
        )
        self._keys_of_rows = scanned["keys"][rows]
        self._offsets = scanned["offsets"][rows]

    def __len__(self):
        """Number of images."""
        return len(self.labels)

    def read(self, row):
        """Reads the file of an image.

        Args:
            row: integer, which of the images.

        Returns:
            The bytes of a JPEG, PNG, BMP or GIF file.

        Raises:
            ValueError: the record is broken; the message names it.
        """
        payload = self._file.read(int(self._offsets[row]))
        flag = _HEADER.unpack_from(payload.ljust(_HEADER.size, b"\0"))[0]
        return payload[_HEADER.size + 4 * flag :]

    def where(self, row):
        """File and record of an image, to name it in a message."""
        return f"{self.path}, record {self._keys_of_rows[row]}"

    def _state(self):
        """What changes with the files."""
        suffixes = (".rec", ".idx", ".property")
        files = (self.path.with_suffix(suffix) for suffix in suffixes)
        states = (os.stat(file) for file in files if file.exists())
        return [[state.st_size, state.st_mtime_ns] for state in states]

    def _scan(self, on_bad_image=None, progress=None):
        """Keys, offsets and labels of the images, all checked."""
        offsets = read_index(self.path.with_suffix(".idx"))
        keys, classes = self._keys(offsets)
        good, labels = [], []
        for done, key in enumerate(keys, start=1):
            if progress is not None:
                progress(done, len(keys))
            try:
                labels.append(self._label(key, offsets, classes))
                good.append(key)
            except ValueError as error:
                if on_bad_image is None:
                    raise
                on_bad_image(str(error))
        return {
            "keys": np.array(good, "<i8"),
            "offsets": np.array([offsets[key] for key in good], "<i8"),
            "labels": np.array(labels, "<i4"),
        }

    def _keys(self, offsets):
        """Keys of the images, and the number of classes or None."""
        classes = _stated_classes(self.path.with_suffix(".property"))
        if 0 not in offsets:
            # The header is the first record: without its key the records of
            # the identities would be taken for images.
            if min(offsets.values(), default=0):
                raise ValueError(
                    f"{self.path.with_suffix('.idx')}: Expected the offset 0, "
                    "of the first record. Received: "
                    f"{min(offsets.values())} as the lowest"
                )
            return sorted(offsets), classes
        payload = self._file.peek(offsets[0], _HEADER.size + 8)
        if len(payload) < _HEADER.size or not payload[:4].strip(b"\0"):
            return sorted(offsets), classes
        if len(payload) < _HEADER.size + 8:
            raise self._file.error(offsets[0], "two labels", payload)
        first, end = struct.unpack_from("<ff", payload, _HEADER.size)
        # Not by the largest key, which a broken file may put anywhere.
        last = len(offsets)
        if not 1 < first <= end <= last + 1:
            raise ValueError(
                f"{self.path}, record 0: Expected the range of the identity "
                f"records within the {last} keys of the .idx. "
                f"Received: [{first}, {end}]"
            )
        keys = range(1, int(first))
        missing = [key for key in keys if key not in offsets]
        if missing:
            raise ValueError(
                f"{self.path.with_suffix('.idx')}: Expected the keys 1 to "
                f"{int(first) - 1}. Received: none for {missing[0]}"
            )
        return list(keys), classes or (int(end - first) or None)

    def _label(self, key, offsets, classes):
        """The class of a record's image, from either form of label."""
        header = self._file.peek(offsets[key], _HEADER.size + 4)
        header = header.ljust(_HEADER.size + 4, b"\0")
        flag, label = _HEADER.unpack_from(header)[:2]
        if flag:
            (label,) = struct.unpack_from("<f", header, _HEADER.size)
        limit = 2**31 if classes is None else min(classes, 2**31)
        # The comparison is false for NaN.
        if not (0 <= label < limit and label == int(label)):
            raise ValueError(
                f"{self.path}, record {key}: Expected a label in [0, {limit}). "
                f"Received: {label}"
            )
        return int(label)


def _stated_classes(path):
    """The number of classes in a `.property` file, None without one."""
    if not os.path.isfile(path):
        return None
    fields = path.read_bytes()[:64].split(b",")
    if len(fields) != 3 or not all(
        is_whole(field.strip().decode("latin-1")) for field in fields
    ):
        raise ValueError(
            f"{path}: Expected classes,height,width. "
            f"Received: {b','.join(fields)!r}"
        )
    return int(fields[0])
