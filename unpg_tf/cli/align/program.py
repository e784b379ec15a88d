"""Cuts aligned faces out of photos."""

import collections
import os
from pathlib import Path

from unpg_tf import data
from unpg_tf import faces
from unpg_tf.cli import descriptions
from unpg_tf.cli import failures
from unpg_tf.cli.align.flags import FLAGS
from unpg_tf.faces import records
from unpg_tf.faces.folders import RECORDS
from unpg_tf.progress import Progress


def main():
    """Aligns as the flags say; exits with 1 and a message on an error."""
    with failures.told_by("unpg align"):
        _align()


def _align():
    print(descriptions.of_machine())
    photos = _photos()
    settings = faces.Settings(
        *(FLAGS[name].value for name in faces.Settings._fields)
    )
    count = len(photos.files)
    found = faces.align_folder(
        FLAGS.data,
        FLAGS.output,
        photos.files,
        settings,
        FLAGS.processes,
        Progress("Aligning", count, unit="photo"),
    )
    files = set(photos.files)
    found = [record for record in found if record.file in files]
    print(_told(found))
    written = [Path(FLAGS.output, RECORDS)]
    crops = [record.crop for record in found if record.crop]
    if FLAGS.sheet:
        faces.write_sheet(
            FLAGS.sheet, FLAGS.data, FLAGS.output, found, FLAGS.sheet_faces
        )
        written.append(FLAGS.sheet)
    if not crops:
        print(descriptions.of_files(written))
        raise ValueError(
            f"Expected a face in a photo of {FLAGS.data}. Received: none: "
            f"{Path(FLAGS.output, RECORDS)} says why"
        )
    if FLAGS.shards:
        written.append(_shards(crops))
    print(descriptions.of_files(written))


def _photos():
    """The photos, of which a line is printed, and what else there is."""
    # What a run has written isn't input of the next.
    without = [path for path in (FLAGS.output, FLAGS.shards) if path]
    photos = faces.list_photos(FLAGS.data, without)
    line = f"{FLAGS.data}: {descriptions.counted(len(photos.files), 'photo')}"
    if photos.others:
        others = (f"{n} {name}" for name, n in sorted(photos.others.items()))
        line += f". Left out, no photos: {', '.join(others)}"
    print(line, flush=True)
    if not photos.files:
        raise FileNotFoundError(
            "Expected photos with an ending of "
            f"{', '.join(faces.photos.SUFFIXES)}. Received: none in "
            f"{FLAGS.data}"
        )
    return photos


def _told(found):
    """What became of the photos, in a few lines."""
    outcomes = {record.file: record.outcome for record in found}
    counts = collections.Counter(outcomes.values())
    crops = sum(bool(record.crop) for record in found)
    lines = [
        f"{descriptions.counted(crops, 'crop')} of "
        f"{counts[records.ALIGNED]} of {len(outcomes)} photos; "
        f"{counts[records.NO_FACE]} without a face that is meant, "
        f"{counts[records.UNREAD]} not read"
    ]
    several = {r.file for r in found if r.faces > 1 and r.crop}
    if several and FLAGS.face != "all":
        lines.append(
            f"{descriptions.counted(len(several), 'photo')} with several "
            f"faces: the {FLAGS.face} one was taken"
        )
    unread = [r.reason for r in found if r.outcome == records.UNREAD]
    if unread:
        lines.append(f"Not read, for instance: {unread[0]}")
    return "\n".join(lines)


def _shards(crops):
    """Writes the crops to shards; returns what names them."""
    owned = sorted(crop for crop in crops if "/" in crop)
    if not owned:
        raise ValueError(
            "Expected a folder per person with --shards. Received: photos in "
            f"{FLAGS.data} itself alone"
        )
    owners = [crop.partition("/")[0] for crop in owned]
    names = sorted(set(owners))
    number = {name: i for i, name in enumerate(names)}
    data.write_shards(
        [os.path.join(FLAGS.output, crop) for crop in owned],
        [number[owner] for owner in owners],
        names,
        FLAGS.shards,
        progress=Progress("Writing shards", len(owned)),
    )
    return Path(FLAGS.shards, "*.tfrecord")
