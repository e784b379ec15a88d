"""The detector YuNet, by OpenCV, from a file that the user brings."""

import hashlib
from pathlib import Path

import numpy as np

from unpg_tf.faces.detection import Faces

# OpenCV's model zoo, under the name of the file there.
KNOWN = {
    "8f2383e4dd3cfbb4553ea8718107fc0423210dc964f9f4280604804ed2552fa4": (
        "face_detection_yunet_2023mar.onnx"
    ),
}


class YuNetDetector:
    """Finds faces and their five points by YuNet.

    Args:
        path: the file `face_detection_yunet_2023mar.onnx` of OpenCV's model
            zoo (MIT), 232,589 bytes.

    Attributes:
        min_score: float, below which a face is rarely one.
        name: string, the file's name where its checksum is known, else None.

    Raises:
        FileNotFoundError: there is no such file.
        ImportError: OpenCV is missing.
        ValueError: OpenCV can't read the file.

    Example:
        >>> detector = YuNetDetector("face_detection_yunet_2023mar.onnx")
        >>> boxes, points, scores = detector(read_photo("photo.jpg"))

    Source: W. Wu, H. Peng, S. Yu, YuNet: A Tiny Millisecond-level Face
        Detector, Machine Intelligence Research 20, 2023.
    """

    min_score = 0.7

    def __init__(self, path):
        if not Path(path).is_file():
            raise FileNotFoundError(
                "Expected face_detection_yunet_2023mar.onnx of OpenCV's model "
                f"zoo. Received: {path}, no file"
            )
        try:
            import cv2
        except ImportError as error:
            raise ImportError(
                'Expected the package OpenCV: pip install "unpg-tf[yunet]". '
                f"Received: {error}"
            ) from error
        digest = hashlib.sha256(Path(path).read_bytes()).hexdigest()
        self.name = KNOWN.get(digest)
        try:
            self._yunet = cv2.FaceDetectorYN.create(
                str(path), "", (320, 320), score_threshold=0.5
            )
        except cv2.error as error:
            raise ValueError(
                f"{path}: Expected a model of YuNet. "
                f"Received: SHA-256 {digest}, {str(error)[:200]}"
            ) from error

    def __call__(self, image):
        """Finds the faces of an image.

        Args:
            image: [height, width, 3] uint8 array, RGB.

        Returns:
            `Faces`.
        """
        height, width = image.shape[:2]
        self._yunet.setInputSize((width, height))
        _, rows = self._yunet.detect(np.ascontiguousarray(image[..., ::-1]))
        rows = np.zeros((0, 15)) if rows is None else rows.astype(np.float64)
        corner, size = rows[:, :2], rows[:, 2:4]
        # Its right eye is the person's: on the left of the image, and first.
        return Faces(
            np.concatenate([corner, corner + size], axis=1),
            rows[:, 4:14].reshape(-1, 5, 2),
            rows[:, 14],
        )
