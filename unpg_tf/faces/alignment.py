"""Faces in a frame of their own: aligned by five landmarks."""

import numpy as np
import tensorflow as tf

# Where the eyes, the nose and the corners of the mouth stand in the 112 x 112
# pixels of ArcFace's crops, which the field's training sets have.
TEMPLATE = np.array(
    [
        [38.2946, 51.6963],
        [73.5318, 51.5014],
        [56.0252, 71.7366],
        [41.5493, 92.3655],
        [70.7299, 92.2041],
    ]
)


def alignments(landmarks, image_size):
    """Finds the similarity transforms that bring landmarks to the template.

    Turn, scale and shift of least squares, without reflection. With points
    as complex numbers it is z -> a z + b.

    Args:
        landmarks: [n, 5, 2] float array, x and y in pixels of the image.
        image_size: height and width of the aligned image in pixels.

    Returns:
        [n, 8] float32 array, the inverse transforms, from the aligned image
        to the image, as `align_image` takes them.

    Raises:
        ValueError: the shape differs, or the five points of an image are one
            or not finite.

    Source: S. Umeyama, Least-Squares Estimation of Transformation Parameters
        Between Two Point Patterns, TPAMI 13 (4), 1991. Template: J. Deng et
        al., ArcFace, CVPR 2019.
    """
    back, shift = inverses(landmarks, TEMPLATE * image_size / 112)
    none = np.zeros(len(back))
    rows = [back.real, -back.imag, shift.real, back.imag, back.real, shift.imag]
    return np.stack([*rows, none, none], axis=1).astype(np.float32)


def inverses(landmarks, goal):
    """Finds the similarity transforms from a frame back to the images.

    Args:
        landmarks: [n, 5, 2] float array, x and y in pixels of the image.
        goal: [5, 2] float array, where they shall be in the frame.

    Returns:
        A tuple of [n] complex arrays, factors and shifts: the point z of the
        frame is at factor * z + shift of the image.

    Raises:
        ValueError: as of `alignments`.
    """
    landmarks = np.asarray(landmarks, np.float64)
    if landmarks.ndim != 3 or landmarks.shape[1:] != (5, 2):
        raise ValueError(
            "Expected landmarks of shape [n, 5, 2]. "
            f"Received: {landmarks.shape}"
        )
    points = landmarks[..., 0] + 1j * landmarks[..., 1]
    goal = goal[:, 0] + 1j * goal[:, 1]
    spread = points - points.mean(axis=1, keepdims=True)
    power = np.sum(np.abs(spread) ** 2, axis=1)
    good = np.isfinite(power) & (power > 0)
    if not good.all():
        raise ValueError(
            "Expected five different finite points. "
            f"Received: {landmarks[np.argmin(good)].tolist()} in row "
            f"{np.argmin(good)}"
        )
    turn = np.sum(np.conj(spread) * (goal - goal.mean()), axis=1) / power
    back = 1 / turn
    return back, points.mean(axis=1) - back * goal.mean()


def align_image(contents, transform, image_size):
    """Decodes a JPEG or PNG file and aligns what is in it.

    Args:
        contents: scalar string tensor, the bytes of the file.
        transform: [8] float tensor, a row of `alignments`.
        image_size: integer, height and width of the result, in pixels.

    Returns:
        [image_size, image_size, 3] uint8 tensor, RGB; black where the image
        doesn't reach.

    Raises:
        tf.errors.InvalidArgumentError: the bytes aren't those of an image.
    """
    image = tf.io.decode_image(contents, channels=3, expand_animations=False)
    image = tf.ensure_shape(image, [None, None, 3])
    aligned = tf.raw_ops.ImageProjectiveTransformV3(
        images=tf.cast(image, tf.float32)[tf.newaxis],
        transforms=transform[tf.newaxis],
        output_shape=[image_size, image_size],
        interpolation="BILINEAR",
        fill_mode="CONSTANT",
        fill_value=0.0,
    )[0]
    return tf.saturate_cast(tf.round(aligned), tf.uint8)
