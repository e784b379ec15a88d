"""Aligns a folder of photos: crops, and a CSV of what became of each."""

import json
import os
from pathlib import Path
from typing import NamedTuple

from unpg_tf import json_files
from unpg_tf import ops
from unpg_tf.faces import records
from unpg_tf.faces.aligner import Aligner
from unpg_tf.faces.crops import encoded
from unpg_tf.faces.detectors import load_detector
from unpg_tf.faces.listing import PEOPLE
from unpg_tf.faces.listing import crop_path
from unpg_tf.faces.photos import pillow
from unpg_tf.faces.photos import read_photo
from unpg_tf.faces.workers import Ended
from unpg_tf.faces.workers import in_order
from unpg_tf.files import replaced

RECORDS = "align.csv"
SETTINGS = "align.json"


class Settings(NamedTuple):
    """How photos are aligned; of one output it is the same in all runs.

    Attributes:
        detector: string, as of `load_detector`.
        detector_model: path as a string, or None.
        image_size: integer, as the others to `detection_size` of `Aligner`.
        face: string.
        min_face: integer.
        min_score: float, or None.
        detection_size: integer.
        person: string, as of `crop_path`.
        file_format: string, as of `encoded`.
    """

    detector: str = "mtcnn"
    detector_model: str | None = None
    image_size: int = 112
    face: str = "largest"
    min_face: int = 40
    min_score: float | None = None
    detection_size: int = 1024
    person: str = "first"
    file_format: str = "jpg"

    def aligner(self):
        """The `Aligner` that they ask for."""
        detector = load_detector(self.detector, self.detector_model)
        return Aligner(detector, *self[2:7])


def align_folder(data, output, files, settings, processes=1, progress=None):
    """Aligns photos and writes the crops, and `align.csv` beside them.

    A run that was interrupted goes on where it stopped: photos that have
    their lines and crops are passed over. Photos that could not be read are
    tried again.

    Args:
        data: path of the folder.
        output: path of the folder for the crops; made where it is missing.
        files: list of paths relative to `data`, such as those of
            `list_photos`.
        settings: `Settings`.
        processes: integer. With 1 all is done in this process.
        progress: callable of the number of photos done, or None.

    Returns:
        List of `Record`, those of earlier runs too.

    Raises:
        FileExistsError: the output is of other settings.
        FileNotFoundError, ImportError, ValueError: the detector can't be
            loaded.
        OSError: the output can't be written.

    Example:
        >>> files = list_photos("photos").files
        >>> records = align_folder("photos", "aligned", files, Settings())
        >>> records[0].crop
        'Ada_Lovelace/IMG_0001.jpg'
    """
    ops.expect_counts(processes=processes)
    ops.expect(
        settings.person in PEOPLE, ", ".join(PEOPLE), person=settings.person
    )
    output = Path(output)
    _expect_same(output / SETTINGS, settings)
    written = records.RecordFile(output / RECORDS)
    written.drop(lambda r: r.crop and not (output / r.crop).is_file())
    done = {record.file for record in written.records} & {*files}
    left = [file for file in files if file not in done]
    taken = {record.crop.lower() for record in written.records}
    try:
        results = in_order(_Worker, (data, settings), left, processes)
        for count, (file, result) in enumerate(
            zip(left, results, strict=True), start=len(done) + 1
        ):
            written.add(_write(output, file, result, settings, taken))
            if progress is not None:
                progress(count)
    finally:
        written.close()
    return written.records


class _Worker:
    """Aligns one photo after the other; made once in each process."""

    def __init__(self, data, settings):
        pillow("Image")
        self._data = data
        self._format = settings.file_format
        self._align = settings.aligner()

    def __call__(self, file):
        """A photo's outcome, reason, number of faces, and files of crops."""
        try:
            image = read_photo(os.path.join(self._data, file))
            faces, found, reason = self._align(image)
        except (OSError, ValueError) as error:
            return records.UNREAD, str(error), 0, []
        # One photo of thousands must not end the run.
        except Exception as error:
            told = f"{type(error).__name__}: {error}"
            return records.UNREAD, f"Expected faces. Received: {told}", 0, []
        outcome = records.ALIGNED if faces else records.NO_FACE
        crops = [
            (records.of_face(face), encoded(face.crop, self._format))
            for face in faces
        ]
        return outcome, reason, found, crops


def _write(output, file, result, settings, taken):
    """Writes the crops of a photo; returns its records."""
    if isinstance(result, Ended):
        why = f"Expected a process that stays. Received: one {result.how}"
        result = records.UNREAD, why, 0, []
    outcome, reason, found, crops = result
    reason = " ".join(reason.split())[:300]
    if not crops:
        return [records.Record(file, outcome, reason, "", found)]
    made = []
    suffix = f".{settings.file_format}"
    for number, (numbers, contents) in enumerate(crops, start=1):
        more = f"_face{number}" if number > 1 else ""
        path = crop_path(file, settings.person, more + suffix)
        path = _free(path, taken)
        with replaced(output / path) as temporary:
            temporary.write_bytes(contents)
        made.append(records.Record(file, outcome, "", path, found, numbers))
    return made


def _free(path, taken):
    """A name that no other crop has, such as that of a.png beside a.jpg."""
    stem, suffix = os.path.splitext(path)
    number = 2
    # Some systems take upper and lower case for one.
    while path.lower() in taken:
        path, number = f"{stem}_{number}{suffix}", number + 1
    taken.add(path.lower())
    return path


def _expect_same(path, settings):
    """Writes the settings; raises where the output has others."""
    stated = settings._asdict()
    if path.is_file():
        before = json_files.read_object(path)
        changed = [
            f"{name}={before.get(name)!r}"
            for name, value in stated.items()
            if before.get(name) != value
        ]
        if changed:
            raise FileExistsError(
                f"Expected the settings that {path.parent} was aligned with, "
                f"{', '.join(changed)}, or another output. Received: others"
            )
        return
    with replaced(path) as temporary:
        temporary.write_text(json.dumps(stated, indent=1), "utf-8")


def aligned_files(photos, settings, progress=None):
    """Aligns photos in memory, as `unpg client --align` does.

    Args:
        photos: list of paths.
        settings: `Settings`; of each photo one face is taken.
        progress: callable of the number of photos done, or None.

    Yields:
        For each photo a tuple of the bytes of a PNG file, empty where there
        is no face, and the reason why there is none, or "".
    """
    worker = _Worker("", settings._replace(file_format="png"))
    for count, photo in enumerate(photos, start=1):
        _, reason, _, crops = worker(os.fspath(photo))
        yield (crops[0][1], "") if crops else (b"", reason)
        if progress is not None:
            progress(count)
