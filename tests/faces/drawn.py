"""Drawn faces, and a detector that finds them: five dots of known colours."""

import os
import signal
import time
from pathlib import Path

import numpy as np
from PIL import Image

from unpg_tf.faces import TEMPLATE

BACKGROUND = (60, 60, 60)
# Eyes, nose, corners of the mouth; faces differ in brightness alone.
_COLOURS = np.array(
    [[1, 0, 0], [0, 1, 0], [0, 0, 1], [1, 1, 0], [1, 0, 1]], bool
)
_LEVELS = (255, 205, 155)
_NEAR = 20


def draw(size, *faces):
    """An image of faces, [height, width, 3] uint8.

    Args:
        size: (width, height).
        *faces: [5, 2] arrays of points, up to three; the first is the
            brightest.
    """
    image = np.full((size[1], size[0], 3), BACKGROUND, np.uint8)
    ys, xs = np.mgrid[: size[1], : size[0]]
    for level, points in zip(_LEVELS, faces, strict=False):
        radius = np.ptp(points[:, 0]) / 7
        for (x, y), colour in zip(points, _COLOURS, strict=True):
            image[np.hypot(xs - x, ys - y) < radius] = colour * level
    return image


def placed(scale=1.0, turn=0.0, shift=(0, 0)):
    """The template's points, scaled, turned by radians, and shifted."""
    cos, sin = scale * np.cos(turn), scale * np.sin(turn)
    return TEMPLATE @ np.array([[cos, sin], [-sin, cos]]) + shift


def detect(image):
    """The detector: boxes, points and scores."""
    boxes, points, scores = [], [], []
    for level in _LEVELS:
        far = np.abs(image[:, :, None].astype(int) - _COLOURS * level)
        hits = far.max(axis=-1) < _NEAR
        hits = [np.argwhere(hits[..., i]) for i in range(len(_COLOURS))]
        if not all(map(_is_disc, hits)):
            continue
        five = np.array([hit.mean(axis=0)[::-1] for hit in hits])
        boxes.append([*(five.min(axis=0) - 1), *(five.max(axis=0) + 1)])
        points.append(five)
        scores.append(level / 255)
    return boxes, points, scores


def _is_disc(places):
    """Not the blended edge of a brighter one."""
    if len(places) < 3:
        return False
    radius = np.linalg.norm(places - places.mean(axis=0), axis=1).max()
    return len(places) > 1.5 * radius**2


class Detector:
    """The same, as a class, with a least score of its own."""

    min_score = 0.7

    def __call__(self, image):
        return detect(image)


def broken(image):
    """A detector that fails."""
    raise RuntimeError("no weights")


def wrong(image):
    """A detector that answers with something else."""
    return np.zeros((2, 4)), np.zeros((2, 10)), np.zeros(2)


def killed(image):
    """A detector whose process is killed by a small image."""
    if len(image) < 50:
        os.kill(os.getpid(), signal.SIGKILL)
    return detect(image)


def slow(image):
    """A detector that takes its time."""
    time.sleep(0.3)
    return detect(image)


def people(root, *files, empty=()):
    """Writes photos of one face each, and others without one.

    Args:
        root: folder.
        *files: paths below it.
        empty: more paths, of photos without a face.
    """
    points = placed(1.2, 0.2, (40, 10))
    for file in (*files, *empty):
        path = Path(root, file)
        path.parent.mkdir(parents=True, exist_ok=True)
        faces = [points] if file in files else []
        Image.fromarray(draw((220, 190), *faces)).save(path, quality=95)
