"""The detector MTCNN, by the package mtcnn, made steadier."""

import numpy as np

from unpg_tf.faces.alignment import TEMPLATE
from unpg_tf.faces.alignment import inverses
from unpg_tf.faces.crops import framed
from unpg_tf.faces.detection import Faces

# In the mirror left and right change places.
_MIRRORED = [1, 0, 2, 4, 3]
# The upright frame of the second pass: the template with this much around it.
_SIZE, _OFFSET = 160, (24, 15)
# In interocular distances: farther off it is another face, or none.
_NEAR = 0.5


class MTCNNDetector:
    """Finds faces and their five points by MTCNN.

    Each image is looked at beside its mirror image, in one batch, and what is
    found in both is averaged. `refine` looks at a face once more, upright and
    of the size that the networks know best: MTCNN's points are off where a
    head is tilted or a face is many times as large as the 48 pixels that its
    last network sees.

    Args:
        mirrored: bool, whether the mirror image is looked at too.
        upright: bool, whether `refine` looks at the face again.

    Attributes:
        min_score: float, below which a face is rarely one.

    Raises:
        ImportError: the package mtcnn is missing.

    Example:
        >>> detector = MTCNNDetector()
        >>> boxes, points, scores = detector(read_photo("photo.jpg"))
        >>> points.shape
        (2, 5, 2)

    Source: K. Zhang et al., Joint Face Detection and Alignment Using
        Multitask Cascaded Convolutional Networks, IEEE SPL 23 (10), 2016.
    """

    min_score = 0.9

    def __init__(self, mirrored=True, upright=True):
        try:
            import mtcnn
        except ImportError as error:
            raise ImportError(
                'Expected the package mtcnn: pip install "unpg-tf[align]". '
                f"Received: {error}"
            ) from error
        self.mirrored = mirrored
        self.upright = upright
        self._mtcnn = mtcnn.MTCNN()

    def __call__(self, image):
        """Finds the faces of an image.

        Args:
            image: [height, width, 3] uint8 array, RGB.

        Returns:
            `Faces`.
        """
        images = [image]
        if self.mirrored:
            images.append(np.ascontiguousarray(image[:, ::-1]))
        # Its `min_face_size` has to stay: above 20 the smallest images of its
        # pyramid are smaller than its window, and it finds nothing at all.
        rows = self._mtcnn.detect_faces(
            images, output_type="numpy", box_format="xyxy"
        )
        rows = np.asarray(rows, np.float64)
        if not rows.size:
            return Faces(np.zeros((0, 4)), np.zeros((0, 5, 2)), np.zeros(0))
        # Five x, then five y, whatever its docstring says.
        points = np.stack([rows[:, 6:11], rows[:, 11:16]], axis=2)
        found = Faces(rows[:, 1:5], points, rows[:, 5])
        first = rows[:, 0] == 0
        if first.all():
            return found
        other = _mirrored(_taken(found, ~first), image.shape[1])
        return _merged(_taken(found, first), other)

    def refine(self, image, points):
        """Finds the points of a face anew, in an upright crop of it.

        Args:
            image: [height, width, 3] uint8 array, RGB.
            points: [5, 2] float array, as this detector has found them.

        Returns:
            [5, 2] float array; the same points where nothing is found there.
        """
        if not self.upright:
            return points
        factor, shift = inverses([points], TEMPLATE + _OFFSET)
        found = self(framed(image, factor[0], shift[0], _SIZE))
        if not len(found.scores):
            return points
        again = found.points[..., 0] + 1j * found.points[..., 1]
        again = again * factor[0] + shift[0]
        again = np.stack([again.real, again.imag], axis=2)
        distances = _distances(again, points)
        if distances.min() > _NEAR * np.linalg.norm(points[1] - points[0]):
            return points
        return again[np.argmin(distances)]


def _mirrored(faces, width):
    """Faces of a mirror image, as they are in the image."""
    boxes, points = faces.boxes.copy(), faces.points[:, _MIRRORED].copy()
    boxes[:, [0, 2]] = width - 1 - boxes[:, [2, 0]]
    points[..., 0] = width - 1 - points[..., 0]
    return Faces(boxes, points, faces.scores)


def _merged(faces, other):
    """Two looks at the same faces: averaged, or one where the other misses."""
    rest = list(range(len(other.scores)))
    boxes, points, scores = [], [], []
    for box, five, score in zip(*faces, strict=True):
        if rest:
            distances = _distances(other.points[rest], five)
            if distances.min() < _NEAR * np.linalg.norm(five[1] - five[0]):
                row = rest.pop(int(np.argmin(distances)))
                box = (box + other.boxes[row]) / 2
                five = (five + other.points[row]) / 2
                score = max(score, other.scores[row])
        boxes.append(box)
        points.append(five)
        scores.append(score)
    return Faces(
        np.array([*boxes, *other.boxes[rest]]),
        np.array([*points, *other.points[rest]]),
        np.array([*scores, *other.scores[rest]]),
    )


def _taken(faces, rows):
    return Faces(*(value[rows] for value in faces))


def _distances(many, points):
    """[n] mean distances of the points of faces from those of one."""
    return np.linalg.norm(many - points, axis=2).mean(axis=1)
