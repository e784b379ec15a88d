"""The files of IJB-B and IJB-C, as InsightFace hands them round."""

import csv
import dataclasses
import itertools
from pathlib import Path

import numpy as np

from unpg_tf.data.text import is_whole
from unpg_tf.data.text import text_lines

# Lines of pairs parsed at a time, to bound the memory.
_CHUNK = 1 << 20
# Beyond any coordinate in an image, in pixels, and any score.
_LARGEST = 1e6


@dataclasses.dataclass(frozen=True)
class Templates:
    """Templates of images, pairs of them to verify, galleries to search.

    Attributes:
        images: [n] array of file paths.
        template: [n] integer array, the template of each image.
        media: [n] integer array, the photograph or video of each image.
        left: [pairs] int32 array, rows of `ids`.
        right: [pairs] int32 array, rows of `ids`.
        same: [pairs] bool array, True for a pair of one identity.
        landmarks: [n, 5, 2] float array to align the images by, or None.
        detector_scores: [n] float array, or None.
        galleries: list of (rows of `ids`, identities), of two [g] arrays;
            empty without 1:N files.
        probes: the same of the probes, or None.
        name: what a report calls them.
    """

    images: np.ndarray
    template: np.ndarray
    media: np.ndarray
    left: np.ndarray
    right: np.ndarray
    same: np.ndarray
    landmarks: np.ndarray | None
    detector_scores: np.ndarray | None
    galleries: list
    probes: tuple | None
    name: str

    @property
    def ids(self):
        """[t] integer array, the templates' ids, ascending."""
        return np.unique(self.template)


def read_ijb(root):
    """Reads IJB-B or IJB-C, for verification 1:1 and identification 1:N.

    The folder has, itself or in `meta`, one file of each kind, `*` being
    `ijbb` or `ijbc`:

    - `*_face_tid_mid.txt`: lines `image template medium`;
    - `*_template_pair_label.txt`: lines `template template 0|1`;
    - `*_name_5pts_score.txt`, which may be missing: lines of an image, ten
      coordinates and the detector's score, in the order of the first file;
    - `*_1N_gallery_G1.csv` (or `S1`), `*_1N_gallery_G2.csv` (or `S2`) and
      `*_1N_probe_mixed.csv`, which may be missing: with the columns
      `TEMPLATE_ID` and `SUBJECT_ID`.

    Images in the folder `loose_crop` are aligned by the five points; without
    such a folder they are taken as they lie in `root`.

    Args:
        root: the folder.

    Returns:
        A `Templates`.

    Raises:
        FileNotFoundError: a file is missing.
        ValueError: a file is ambiguous, or a line isn't what the format
            expects; the message starts with the file and the line.

    Example:
        >>> templates = read_ijb("IJB_release/IJBC")
        >>> len(templates.ids), len(templates.same)
        (23124, 15658489)
    """
    faces = _find(root, "*face_tid_mid.txt")
    names, template, media = _faces(faces)
    loose = Path(root, "loose_crop")
    aligned = not loose.is_dir()
    points = _find(root, "*name_5pts_score.txt", needed=not aligned)
    landmarks, scores = _points(points, names) if points else (None, None)
    ids = np.unique(template)
    left, right, same = _pairs(_find(root, "*template_pair_label.txt"), ids)
    probes = _find(root, "*1N_probe_mixed.csv", needed=False)
    subjects = {}
    galleries = (
        [_find(root, f"*1N_gallery_[GS]{number}.csv") for number in (1, 2)]
        if probes
        else []
    )
    folder = Path(root) if aligned else loose
    return Templates(
        images=np.array([str(folder / name) for name in names]),
        template=template,
        media=media,
        left=left,
        right=right,
        same=same,
        landmarks=None if aligned else landmarks,
        detector_scores=scores,
        galleries=[_people(path, ids, subjects) for path in galleries],
        probes=_people(probes, ids, subjects) if probes else None,
        name=Path(root).resolve().name,
    )


def _find(root, pattern, needed=True):
    """The one file of a kind."""
    found = [
        path
        for folder in (Path(root, "meta"), Path(root))
        for path in sorted(folder.glob(pattern))
    ]
    if not found and not needed:
        return None
    if not found:
        raise FileNotFoundError(
            f"Expected {pattern} in {root} or {Path(root, 'meta')}. "
            "Received: none"
        )
    if len(found) > 1:
        raise ValueError(
            f"Expected one {pattern} in {root}. Received: "
            f"{', '.join(path.name for path in found)}"
        )
    return found[0]


def _faces(path):
    """Images, templates and media."""
    rows = list(_fields(path, 3, "image template medium", _whole))
    if not rows:
        raise ValueError(f"{path}: Expected images. Received: none")
    names = [name for name, _ in rows]
    numbers = np.array([numbers for _, numbers in rows])
    return names, numbers[:, 0], numbers[:, 1]


def _points(path, names):
    """Landmarks and the detector's scores, of the same images."""
    rows = list(_fields(path, 12, "image x1 y1 ... x5 y5 score", _finite))
    if [name for name, _ in rows] != names:
        raise ValueError(
            f"{path}: Expected the images of face_tid_mid in its order. "
            "Received: others"
        )
    numbers = np.array([numbers for _, numbers in rows])
    return numbers[:, :10].reshape(-1, 5, 2), numbers[:, 10]


def _fields(path, count, layout, kind):
    """Yields the name and the numbers of each line."""
    for number, line in enumerate(text_lines(path), start=1):
        name, *fields = line.split() or [""]
        try:
            if len(fields) != count - 1:
                raise ValueError
            yield name, [kind(field) for field in fields]
        except ValueError:
            raise ValueError(
                f"{path}:{number}: Expected {layout}. "
                f"Received: {line.rstrip()[:80]}"
            ) from None


def _finite(field):
    number = float(field)
    if not abs(number) < _LARGEST or "_" in field:
        raise ValueError
    return number


def _whole(field):
    """The number of digits alone, which 64 bits hold."""
    if not is_whole(field):
        raise ValueError(f"Expected a whole number. Received: {field[:40]}")
    return int(field)


def _pairs(path, ids):
    """Rows of both templates, and whether they are of one identity."""
    parts, lines = [], enumerate(text_lines(path), start=1)
    while chunk := _chunk(path, lines):
        parts.append(_checked_pairs(path, *chunk, ids))
    if not parts:
        raise ValueError(f"{path}: Expected pairs. Received: none")
    left, right, same = map(np.concatenate, zip(*parts, strict=True))
    _expect_one_answer(path, left, right, same, ids)
    return left, right, same


def _expect_one_answer(path, left, right, same, ids):
    """Raises for a pair of templates that is said to be both."""
    keys = np.minimum(left, right).astype(np.int64) * len(ids)
    keys += np.maximum(left, right)
    order = np.argsort(keys, kind="stable")
    keys, answers = keys[order], same[order]
    both = np.flatnonzero(
        (keys[1:] == keys[:-1]) & (answers[1:] != answers[:-1])
    )
    if both.size:
        first, row = order[both[0]], order[both[0] + 1]
        filled = (
            number
            for number, line in enumerate(text_lines(path), start=1)
            if line.strip()
        )
        numbers = dict(zip(range(max(first, row) + 1), filled, strict=False))
        raise ValueError(
            f"{path}:{numbers[row]}: Expected {int(same[first])}, as line "
            f"{numbers[first]} has it of these templates. "
            f"Received: {int(same[row])}"
        )


def _chunk(path, lines):
    """The next lines' numbers, and [lines, 3] int64; nothing at the end."""
    chunk = itertools.islice(lines, _CHUNK)
    filled = [(number, line) for number, line in chunk if line.strip()]
    if not filled:
        return ()
    numbers, text = zip(*filled, strict=True)
    try:
        table = np.loadtxt(text, np.int64, ndmin=2, comments=None)
        if table.shape == (len(text), 3):
            return numbers, table
        reason = f"{table.shape[1]} columns"
    except ValueError as error:
        reason = error
    raise ValueError(
        f"{path}: Expected template template 0|1 from line {numbers[0]} on. "
        f"Received: {reason}"
    )


def _checked_pairs(path, numbers, table, ids):
    rows = np.searchsorted(ids, table[:, :2]).clip(max=len(ids) - 1)
    good = (ids[rows] == table[:, :2]).all(axis=1) & np.isin(
        table[:, 2], (0, 1)
    )
    if not good.all():
        wrong = int(np.argmin(good))
        raise ValueError(
            f"{path}:{numbers[wrong]}: Expected two templates of face_tid_mid "
            f"and 0 or 1. Received: {table[wrong].tolist()}"
        )
    rows = rows.astype(np.int32)
    return rows[:, 0], rows[:, 1], table[:, 2] == 1


def _people(path, ids, subjects):
    """Rows of a gallery's or the probes' templates, and who they are.

    Args:
        path: the file.
        ids: [t] integer array, the templates' ids, ascending.
        subjects: dictionary of templates to subjects, of the files before.
    """
    people, reader = {}, csv.DictReader(text_lines(path))
    try:
        for row in reader:
            template = _whole(row["TEMPLATE_ID"])
            people[template] = _whole(row["SUBJECT_ID"])
            before = subjects.setdefault(template, people[template])
            if before != people[template]:
                raise ValueError(
                    f"subject {people[template]} of template {template}, "
                    f"which was {before}'s"
                )
    except (AttributeError, KeyError, ValueError, csv.Error) as error:
        raise ValueError(
            f"{path}:{reader.line_num}: Expected the columns TEMPLATE_ID and "
            "SUBJECT_ID with numbers, each template of one subject. "
            f"Received: {error}"
        ) from None
    templates = np.array(list(people), np.int64)
    rows = np.searchsorted(ids, templates).clip(max=len(ids) - 1)
    unknown = templates[ids[rows] != templates]
    if len(unknown) or not len(templates):
        raise ValueError(
            f"{path}: Expected templates of face_tid_mid. "
            f"Received: {unknown.tolist()[:3] or 'none'}"
        )
    return rows, np.array(list(people.values()))
