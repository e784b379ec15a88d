"""Cuts faces out of photos: turned, scaled and shifted to the template."""

import io
import math

import numpy as np

from unpg_tf.faces.alignment import TEMPLATE
from unpg_tf.faces.alignment import inverses
from unpg_tf.faces.photos import pillow

# Pixels of the photo for one of the crop from which on they are averaged.
_MOST = 1.5


def crop_face(image, points, image_size=112):
    """Cuts a face out, aligned by its five points.

    A similarity transform brings the points to the field's template, for
    other sizes than 112 scaled. A face that is larger than its crop is shrunk
    with antialiasing.

    Args:
        image: [height, width, 3] uint8 array, RGB.
        points: [5, 2] float array, x and y in pixels, 0 in the middle of the
            first: left eye, right eye, nose, left and right corner of the
            mouth, left and right as seen in the image.
        image_size: integer, height and width of the crop in pixels.

    Returns:
        [image_size, image_size, 3] uint8 array; black where the photo doesn't
        reach.

    Raises:
        ImportError: Pillow is missing.
        ValueError: the points are one, not finite, or of another shape.

    Example:
        >>> boxes, points, scores = MTCNNDetector()(image)
        >>> crop_face(image, points[0]).shape
        (112, 112, 3)
    """
    factor, shift = inverses([points], TEMPLATE * image_size / 112)
    return framed(image, factor[0], shift[0], image_size)


def framed(image, factor, shift, size):
    """What a square frame shows of an image.

    Args:
        image: [height, width, 3] uint8 array.
        factor: complex; with `shift`, the point z of the frame is at
            factor * z + shift of the image.
        shift: complex.
        size: integer, height and width of the frame in pixels.

    Returns:
        [size, size, 3] uint8 array.
    """
    module = pillow("Image")
    # Pillow counts from a pixel's corner, the points from its middle.
    half = 0.5 + 0.5j
    shift = shift + half - factor * half
    corners = shift + factor * size * np.array([0, 1, 1j, 1 + 1j])
    step = abs(factor)
    left, top, right, bottom = _region(corners, 2 * step + 1, image.shape)
    if left >= right or top >= bottom:
        return np.zeros((size, size, 3), np.uint8)
    part = module.fromarray(image[top:bottom, left:right])
    scale = np.ones(2)
    if step > _MOST:
        width, height = (max(1, round(v / step)) for v in part.size)
        scale = np.divide(part.size, (width, height))
        part = part.resize((width, height), module.Resampling.LANCZOS)
    rows = (
        [factor.real, -factor.imag, shift.real - left],
        [factor.imag, factor.real, shift.imag - top],
    )
    rows = np.asarray(rows) / scale[:, np.newaxis]
    cut = part.transform(
        (size, size),
        module.Transform.AFFINE,
        rows.ravel().tolist(),
        module.Resampling.BILINEAR,
    )
    return np.array(cut)


def _region(corners, margin, shape):
    """The pixels that a frame needs: left, top, right and bottom."""
    height, width = shape[:2]
    sides = (corners.real, width), (corners.imag, height)
    ends = [
        (
            max(0, math.floor(min(values.min(), length) - margin)),
            min(length, math.ceil(max(values.max(), 0) + margin)),
        )
        for values, length in sides
    ]
    (left, right), (top, bottom) = ends
    return left, top, right, bottom


def encoded(image, file_format):
    """The bytes of an image's file.

    Args:
        image: [height, width, 3] uint8 array, RGB.
        file_format: "jpg", of quality 95 with full colour, or "png".
    """
    options = {
        "jpg": {"format": "JPEG", "quality": 95, "subsampling": 0},
        "png": {"format": "PNG"},
    }[file_format]
    buffer = io.BytesIO()
    pillow("Image").fromarray(image).save(buffer, **options)
    return buffer.getvalue()
