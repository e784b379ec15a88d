"""The CSV file of a run: what became of each photo, and why."""

import csv
import io
import os
from typing import NamedTuple

from unpg_tf.files import replaced

# Among the numbers of a face.
_SCORE = 4
ALIGNED, NO_FACE, UNREAD = "aligned", "no face", "unread"
_POINTS = (
    "left_eye",
    "right_eye",
    "nose",
    "mouth_left",
    "mouth_right",
)
COLUMNS = (
    "file",
    "outcome",
    "reason",
    "crop",
    "faces",
    "left",
    "top",
    "right",
    "bottom",
    "score",
    *(f"{point}_{axis}" for point in _POINTS for axis in "xy"),
)


class Record(NamedTuple):
    """A line: a photo, or one of its faces where all are cut out.

    Attributes:
        file: string, the photo's path.
        outcome: string, "aligned"; "no face", where none is chosen; or
            "unread", where the photo can't be read or the detector failed.
        reason: string, why it isn't aligned.
        crop: string, the crop's path.
        faces: integer, how many the detector has found.
        numbers: tuple of 15 floats, box, score and points; empty without a
            face.
    """

    file: str
    outcome: str
    reason: str = ""
    crop: str = ""
    faces: int = 0
    numbers: tuple = ()


def of_face(face):
    """The `numbers` of an `AlignedFace`."""
    return (*face.box, face.score, *face.points.ravel())


class RecordFile:
    """Writes records, and reads those of a run that was interrupted.

    The records of a photo are written in one piece; a line that a crash has
    cut off is dropped, with what else there is of its photo.

    Args:
        path: string or path.

    Raises:
        ValueError: there is a file of another kind.
    """

    def __init__(self, path):
        self.path = path
        self.records = self._read() if os.path.exists(path) else []
        with replaced(path) as temporary:
            text = _lines([COLUMNS, *map(_row, self.records)])
            temporary.write_text(text, "utf-8", newline="")
        self._file = open(path, "a", encoding="utf-8", newline="")

    def _read(self):
        with open(self.path, encoding="utf-8", newline="") as file:
            text = file.read()
        whole = text[: text.rfind("\n") + 1]
        rows = list(csv.reader(io.StringIO(whole, newline="")))
        if text and (not rows or tuple(rows[0]) != COLUMNS):
            raise ValueError(
                f"{self.path}: Expected the lines of unpg align. "
                "Received: another file"
            )
        # Those that couldn't be read may be readable now.
        found = [_record(row) for row in rows[1:] if len(row) == len(COLUMNS)]
        return [record for record in found if record.outcome != UNREAD]

    def drop(self, lost):
        """Takes records out of the file, before any is added.

        Args:
            lost: function of a `Record` to whether it is to go.
        """
        gone = {record.file for record in self.records if lost(record)}
        if not gone:
            return
        self.records = [r for r in self.records if r.file not in gone]
        self._file.close()
        with replaced(self.path) as temporary:
            text = _lines([COLUMNS, *map(_row, self.records)])
            temporary.write_text(text, "utf-8", newline="")
        self._file = open(self.path, "a", encoding="utf-8", newline="")

    def add(self, records):
        """Writes the records of a photo."""
        self._file.write(_lines(map(_row, records)))
        self._file.flush()
        self.records += records

    def close(self):
        """Closes the file."""
        self._file.close()


def _row(record):
    numbers = [
        f"{v:.4f}" if i == 4 else f"{v:.2f}"
        for i, v in enumerate(record.numbers)
    ]
    return [
        *record[:4],
        record.faces,
        *(numbers or [""] * (len(COLUMNS) - 5)),
    ]


def _record(row):
    numbers = tuple(float(value) for value in row[5:] if value)
    return Record(*row[:4], int(row[4]), numbers)


def _lines(rows):
    buffer = io.StringIO(newline="")
    csv.writer(buffer, lineterminator="\n").writerows(rows)
    return buffer.getvalue()
