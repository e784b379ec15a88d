"""From a photo to aligned faces."""

from typing import NamedTuple

import numpy as np

from unpg_tf import ops
from unpg_tf.faces.crops import crop_face
from unpg_tf.faces.detection import CHOICES
from unpg_tf.faces.detection import checked
from unpg_tf.faces.detection import choose
from unpg_tf.faces.photos import pillow


class AlignedFace(NamedTuple):
    """A face that was cut out.

    Attributes:
        box: [4] float array, left, top, right, bottom in the photo.
        points: [5, 2] float array, x and y of the five points in the photo.
        score: float, the detector's.
        crop: [image_size, image_size, 3] uint8 array, RGB.
    """

    box: np.ndarray
    points: np.ndarray
    score: float
    crop: np.ndarray


class Aligned(NamedTuple):
    """What became of a photo.

    Attributes:
        faces: list of `AlignedFace`.
        found: integer, how many faces the detector has found.
        reason: string, why `faces` is empty, else "".
    """

    faces: list
    found: int
    reason: str


class Aligner:
    """Finds the face that is meant in a photo, and cuts it out, aligned.

    Args:
        detector: as `load_detector` returns it.
        image_size: integer, height and width of the crops in pixels.
        face: "largest", "central" or "all".
        min_face: number, pixels of the photo: faces whose box has no side as
            long are left out.
        min_score: float, faces of a lower score are left out; None for the
            detector's own default, or all where it has none.
        detection_size: integer; photos whose longer side has more pixels are
            shrunk to it before the detection. The crops are cut from the
            photo itself.

    Raises:
        ValueError: an argument is out of range.

    Example:
        >>> aligner = Aligner(load_detector("mtcnn"))
        >>> faces, found, reason = aligner(read_photo("photo.jpg"))
        >>> faces[0].crop.shape
        (112, 112, 3)
    """

    def __init__(
        self,
        detector,
        image_size=112,
        face="largest",
        min_face=40,
        min_score=None,
        detection_size=1024,
    ):
        ops.expect_counts(image_size=image_size, detection_size=detection_size)
        ops.expect(face in CHOICES, ", ".join(CHOICES), face=face)
        self.detector = detector
        self.image_size = image_size
        self.face = face
        self.min_face = min_face
        if min_score is None:
            min_score = getattr(detector, "min_score", -np.inf)
        self.min_score = min_score
        self.detection_size = detection_size

    def __call__(self, image):
        """Aligns the faces of a photo.

        Args:
            image: [height, width, 3] uint8 array, RGB, as `read_photo` has it.

        Returns:
            `Aligned`.

        Raises:
            ValueError: the detector's answer isn't one.
        """
        shown, scale = self._shrunk(image)
        found = checked(self.detector(shown))
        # From the middles of the small image's pixels to the photo's.
        found = found._replace(
            boxes=(found.boxes + 0.5) * np.tile(scale, 2) - 0.5,
            points=(found.points + 0.5) * scale - 0.5,
        )
        rows, reason = choose(
            found, image.shape, self.face, self.min_face, self.min_score
        )
        faces = [
            self._cut(image, *(part[row] for part in found)) for row in rows
        ]
        return Aligned(faces, len(found.scores), reason)

    def _cut(self, image, box, points, score):
        refine = getattr(self.detector, "refine", None)
        if refine is not None:
            points = np.asarray(refine(image, points), np.float64)
        crop = crop_face(image, points, self.image_size)
        return AlignedFace(box, points, float(score), crop)

    def _shrunk(self, image):
        """The image for the detector, and [2] its pixels' width and height."""
        height, width = image.shape[:2]
        ratio = self.detection_size / max(height, width)
        if ratio >= 1:
            return image, np.ones(2)
        size = [max(1, round(v * ratio)) for v in (width, height)]
        module = pillow("Image")
        small = module.fromarray(image).resize(
            size, module.Resampling.BILINEAR, reducing_gap=3.0
        )
        return np.array(small), np.divide((width, height), size)
