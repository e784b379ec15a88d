"""What a detector says, and which of the faces is meant."""

from typing import NamedTuple

import numpy as np

CHOICES = ("largest", "central", "all")


class Faces(NamedTuple):
    """The faces that a detector has found in an image.

    Left and right are as seen in the image; coordinates count pixels, with 0
    in the middle of the first.

    Attributes:
        boxes: [n, 4] float array, left, top, right, bottom.
        points: [n, 5, 2] float array, x and y of left eye, right eye, nose,
            left and right corner of the mouth.
        scores: [n] float array, the detector's own measure of its certainty.
    """

    boxes: np.ndarray
    points: np.ndarray
    scores: np.ndarray


class Choice(NamedTuple):
    """Which of the faces are meant.

    Attributes:
        rows: [k] integer array, those that are chosen, the best one first.
        reason: string, why it is none; "" where there are some.
    """

    rows: np.ndarray
    reason: str


def checked(found):
    """What a detector has answered, as `Faces`.

    Args:
        found: a sequence of boxes, points and scores, as `Faces` has them.

    Raises:
        ValueError: they have other shapes, or aren't finite.
    """
    try:
        boxes, points, scores = (np.asarray(v, np.float64) for v in found)
    except (TypeError, ValueError) as error:
        raise ValueError(
            "Expected boxes, points and scores from the detector. "
            f"Received: {type(found).__name__}, {str(error)[:100]}"
        ) from error
    n = scores.size
    if n == 0:
        return Faces(np.zeros((0, 4)), np.zeros((0, 5, 2)), np.zeros(0))
    shapes = boxes.shape, points.shape, scores.shape
    if shapes != ((n, 4), (n, 5, 2), (n,)):
        raise ValueError(
            "Expected boxes [n, 4], points [n, 5, 2] and scores [n] from the "
            f"detector. Received: shapes {', '.join(map(str, shapes))}"
        )
    if not all(np.isfinite(v).all() for v in (boxes, points, scores)):
        raise ValueError(
            "Expected finite numbers from the detector. Received: others"
        )
    return Faces(boxes, points, scores)


def choose(faces, shape, face="largest", min_face=0, min_score=0.0):
    """Chooses among the faces of an image.

    Args:
        faces: `Faces`.
        shape: height and width of the image.
        face: "largest", by the longer side of its box; "central", whose
            middle is the nearest to the image's; or "all", the largest first.
        min_face: number, faces whose box has no side of as many pixels are
            left out.
        min_score: float, faces of a lower score are left out.

    Returns:
        `Choice`.
    """
    nothing = np.zeros(0, int)
    if not len(faces.scores):
        return Choice(nothing, "no face found")
    sizes = (faces.boxes[:, 2:] - faces.boxes[:, :2]).max(axis=1)
    sure = faces.scores >= min_score
    if not sure.any():
        return Choice(
            nothing,
            f"score {faces.scores.max():.3f}, below min_score={min_score:g}",
        )
    good = sure & (sizes >= min_face)
    if not good.any():
        largest = sizes[sure].max()
        return Choice(
            nothing, f"face of {largest:.0f} pixels, below min_face={min_face}"
        )
    if face == "central":
        middles = (faces.boxes[:, 2:] + faces.boxes[:, :2]) / 2
        middle = (np.array([shape[1], shape[0]]) - 1) / 2
        costs = np.linalg.norm(middles - middle, axis=1)
    else:
        costs = -sizes
    rows = np.argsort(np.where(good, costs, np.inf), kind="stable")
    return Choice(rows[: good.sum() if face == "all" else 1], "")
