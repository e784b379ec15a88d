"""Pairs of images to verify, and LFW's file format of them."""

import dataclasses
from pathlib import Path

import numpy as np

from unpg_tf.data.folder import SUFFIXES
from unpg_tf.data.folder import is_image
from unpg_tf.data.synthetic import verification_pairs
from unpg_tf.data.text import is_whole
from unpg_tf.data.text import text_lines


@dataclasses.dataclass(frozen=True)
class Pairs:
    """Pairs of images, each image kept once.

    Attributes:
        images: [n] array of file paths, [n] object array of files' bytes, or
            [n, height, width, 3] array of pixel values 0..255.
        left: [pairs] integer array, indices into `images`.
        right: [pairs] integer array, indices into `images`.
        same: [pairs] bool array, True for a pair of one identity.
        fold: [pairs] integer array, all equal where there is but one fold.
        name: what a report calls them, such as the file's name.
        identities: [pairs, 2] integer array, who is in each pair; None where
            that isn't known.

    Example:
        >>> pairs = read_pairs("lfw/pairsDevTest.txt", root="lfw")
        >>> pairs.images[pairs.left[0]], pairs.images[pairs.right[0]]
        ('lfw/Abdullah_Gul/Abdullah_Gul_0013.jpg',
         'lfw/Abdullah_Gul/Abdullah_Gul_0014.jpg')
    """

    images: np.ndarray
    left: np.ndarray
    right: np.ndarray
    same: np.ndarray
    fold: np.ndarray
    name: str
    identities: np.ndarray | None = None

    @property
    def num_folds(self):
        """Number of different folds."""
        return len(np.unique(self.fold))


def read_pairs(path, root):
    """Reads a pairs file in LFW's format, of one set or of several folds.

    The first line is `N` (View 1), for one set, or `folds<TAB>N` (View 2).
    Each set is N lines `Name<TAB>i<TAB>j`, images i and j of one person, then
    N lines `Name<TAB>i<TAB>Other<TAB>j`. Image i of a person is the file
    `root/Name/Name_<i, four digits>` with suffix .jpg, .jpeg or .png.

    Args:
        path: the file, such as `pairsDevTest.txt` or `pairs.txt`.
        root: the folder that holds a folder of images per person.

    Returns:
        A `Pairs` whose `images` are paths.

    Raises:
        FileNotFoundError: there is no such file or folder, or no image that a
            line names; the message starts with `file:line`.
        ValueError: a line isn't what the format expects, or names a pair
            again, an image with itself, or one person as two; the message
            starts with `file:line`.

    Source: http://vis-www.cs.umass.edu/lfw/README.txt
    """
    if not Path(path).is_file():
        raise FileNotFoundError(f"Expected a pairs file. Received: {path}")
    if not Path(root).is_dir():
        raise FileNotFoundError(
            "Expected a folder that holds a folder of images per person. "
            f"Received: {root}"
        )
    lines = list(text_lines(path))
    while lines and not lines[-1].strip():
        lines.pop()
    folds, size = _header(path, lines)
    places = np.arange(2 * size * folds) % (2 * size)
    finder = _ImageFinder(root)
    left, right, people, lines_of = [], [], [], {}
    for number, same in enumerate((places < size).tolist(), start=2):
        try:
            first, second = _parse(lines[number - 1], same)
            left.append(finder.index(*first))
            right.append(finder.index(*second))
            _expect_new(lines_of, left[-1], right[-1], number)
            people.append((first[0], second[0]))
        except (ValueError, FileNotFoundError) as error:
            raise type(error)(f"{path}:{number}: {error}") from None
    return Pairs(
        images=np.array(list(finder.indices)),
        left=np.array(left),
        right=np.array(right),
        same=places < size,
        fold=np.arange(len(places)) // (2 * size),
        name=Path(path).name,
        identities=_numbered(people),
    )


def synthetic_pairs(
    num_pairs, image_size, first_identity=1_000_000, folds=10, **kwargs
):
    """Draws pairs of synthetic identities, in folds that share none.

    Args:
        num_pairs: number of pairs, half of them of one identity.
        image_size: height and width of the images in pixels.
        first_identity: the identities start here, beyond those of any
            training set by default.
        folds: number of folds, at most `num_pairs` / 4 for pairs of both
            kinds in each.
        **kwargs: `strengths`, `seed` and `progress`, as in
            `unpg_tf.data.draw`.

    Returns:
        A `Pairs` named "synthetic", whose `images` are pixels.

    Example:
        >>> pairs = synthetic_pairs(1000, image_size=64)
        >>> pairs.images.shape, pairs.num_folds
        ((2000, 64, 64, 3), 10)
    """
    images, left, right, same = verification_pairs(
        first_identity, num_pairs, image_size, **kwargs
    )
    fold = np.arange(num_pairs) * folds // num_pairs
    return Pairs(images, left, right, same, fold, name="synthetic")


def _numbered(people):
    """Numbers the people of [pairs, 2] names."""
    _, numbers = np.unique(np.array(people), return_inverse=True)
    return numbers.reshape(-1, 2)


def _expect_new(lines_of, left, right, number):
    """Notes a pair's line; raises for one that was there, or is of one image.

    Args:
        lines_of: dictionary of pairs to lines.
        left: integer, number of an image.
        right: integer, of the other.
        number: integer, of the line.
    """
    if left == right:
        raise ValueError("Expected two images. Received: one, twice")
    pair = min(left, right), max(left, right)
    if lines_of.setdefault(pair, number) != number:
        raise ValueError(
            "Expected each pair once. Received: that of line "
            f"{lines_of[pair]} again"
        )


class _ImageFinder:
    """Finds the images of people, and numbers each image once."""

    def __init__(self, root):
        self.root = Path(root)
        self.files = {}
        self.indices = {}

    def index(self, name, number):
        stem = f"{name}_{number:04d}"
        path = self._files(name).get(stem)
        if path is None:
            raise FileNotFoundError(
                f"Expected an image {self.root / name / stem} with a suffix "
                f"of {', '.join(SUFFIXES)}. Received: no such file"
            )
        return self.indices.setdefault(path, len(self.indices))

    def _files(self, name):
        """Dictionary of a person's images, stem to path."""
        if name not in self.files:
            folder = self.root / name
            self.files[name] = {
                file.stem: str(file)
                for file in (folder.iterdir() if folder.is_dir() else ())
                if is_image(file.name)
            }
        return self.files[name]


def _header(path, lines):
    """Reads the number of folds and of pairs per fold and kind."""
    fields = lines[0].split("\t") if lines else []
    counts = [int(field) for field in fields if is_whole(field.strip())]
    if len(counts) != len(fields) or len(counts) not in (1, 2) or 0 in counts:
        raise ValueError(
            f"{path}:1: Expected N, or folds<TAB>N. Received: {lines[:1]}"
        )
    folds, size = counts if len(counts) == 2 else (1, *counts)
    if len(lines) != 1 + 2 * size * folds:
        raise ValueError(
            f"{path}:1: Expected {folds} x 2 x {size} lines of pairs after "
            f"the first. Received: {len(lines) - 1}"
        )
    return folds, size


def _parse(line, same):
    """Reads the two (name, number) of a line."""
    fields = [field.strip() for field in line.split("\t")]
    layout = "Name<TAB>i<TAB>j" if same else "Name<TAB>i<TAB>Other<TAB>j"
    numbers = fields[1:] if same else fields[1::2]
    if len(fields) != (3 if same else 4) or not all(map(is_whole, numbers)):
        raise ValueError(f"Expected {layout}. Received: {line}")
    other = fields[0] if same else fields[2]
    if not same and other == fields[0]:
        raise ValueError(f"Expected two people. Received: {line}")
    return (fields[0], int(numbers[0])), (other, int(numbers[1]))
