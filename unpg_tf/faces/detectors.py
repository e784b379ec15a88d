"""Detectors by name."""

import importlib
import os
import sys

from unpg_tf.faces.mtcnn_detector import MTCNNDetector
from unpg_tf.faces.yunet_detector import YuNetDetector


def load_detector(name, model=None):
    """Loads a detector.

    A detector is a callable of an image, [height, width, 3] uint8 RGB, to
    boxes [n, 4], points [n, 5, 2] and scores [n], as `Faces` has them. It may
    have `min_score`, a float, the default of the least score; and `refine`, a
    function of an image and the points [5, 2] of one face to better ones.

    Args:
        name: string, "mtcnn"; "yunet"; or "module:callable", a detector of
            your own: a function, an object, or a class, of which one is made.
        model: path of the model's file, for "yunet".

    Returns:
        The detector.

    Raises:
        FileNotFoundError, ImportError, ValueError: it can't be loaded.

    Example:
        >>> detector = load_detector("my_detectors:scrfd")
        >>> boxes, points, scores = detector(read_photo("photo.jpg"))
    """
    if name == "mtcnn":
        return MTCNNDetector()
    if name == "yunet":
        if model is None:
            raise ValueError(
                "Expected the file of the detector's model with yunet. "
                "Received: none"
            )
        return YuNetDetector(model)
    module, colon, attribute = name.partition(":")
    if not (module and colon and attribute):
        raise ValueError(
            f"Expected mtcnn, yunet or module:callable. Received: {name}"
        )
    # As `python -m` has it; the command `unpg` looks into its own folder.
    if os.getcwd() not in sys.path:
        sys.path.append(os.getcwd())
    found = importlib.import_module(module)
    for part in attribute.split("."):
        if not hasattr(found, part):
            raise ValueError(
                f"Expected {name}, a detector. Received: no {part} in {module}"
            )
        found = getattr(found, part)
    detector = found() if isinstance(found, type) else found
    if not callable(detector):
        raise ValueError(
            f"Expected {name}, a callable of an image. "
            f"Received: {type(detector).__name__}"
        )
    return detector
