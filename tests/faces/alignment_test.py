import numpy as np
import pytest
import tensorflow as tf
from tensorflow import keras

from unpg_tf.evaluation import Embedder
from unpg_tf.faces import TEMPLATE
from unpg_tf.faces import align_image
from unpg_tf.faces import alignments


def moved(turn, scale, shift):
    """The template's points after a similarity transform, and its matrix."""
    cos, sin = scale * np.cos(turn), scale * np.sin(turn)
    matrix = np.array([[cos, -sin, shift[0]], [sin, cos, shift[1]]])
    return TEMPLATE @ matrix[:, :2].T + matrix[:, 2], matrix


@pytest.mark.parametrize("size", [112, 56])
def test_finds_the_transform_that_moved_the_template(size):
    for turn, scale, shift in [
        (0, 1, (0, 0)),
        (0.5, 2, (7, -3)),
        (-3, 0.3, (90, 40)),
    ]:
        points, matrix = moved(turn, scale, shift)
        (row,) = alignments(points[np.newaxis], size)
        # From the aligned image's pixels to the image's.
        matrix[:, :2] *= 112 / size
        np.testing.assert_allclose(
            row, [*matrix[0], *matrix[1], 0, 0], atol=1e-4
        )


def test_other_points_come_as_near_as_least_squares_do():
    rng = np.random.default_rng(0)
    points = moved(0.3, 1.5, (20, 10))[0] + rng.normal(0, 4, (5, 2))
    # x' = a x - b y + c, y' = b x + a y + d, solved as linear equations.
    rows = [[x, -y, 1, 0] for x, y in points] + [
        [y, x, 0, 1] for x, y in points
    ]
    a, b, c, d = np.linalg.lstsq(rows, TEMPLATE.T.ravel(), rcond=None)[0]
    forth = np.array([[a, -b, c], [b, a, d], [0, 0, 1]])
    (row,) = alignments(points[np.newaxis], 112)
    np.testing.assert_allclose(
        row[:6], np.linalg.inv(forth)[:2].ravel(), rtol=1e-4, atol=1e-4
    )


def test_aligning_undoes_a_quarter_turn(tmp_path):
    image = np.random.default_rng(0).integers(0, 256, (112, 112, 3), np.uint8)
    turned = np.rot90(image, -1).copy()
    # Clockwise: the point (x, y) goes to (111 - y, x).
    points = np.stack([111 - TEMPLATE[:, 1], TEMPLATE[:, 0]], axis=1)
    (transform,) = alignments(points[np.newaxis], 112)
    contents = tf.io.encode_png(turned)
    aligned = align_image(contents, tf.constant(transform), 112).numpy()
    difference = np.abs(aligned.astype(int) - image)[1:-1, 1:-1]
    assert difference.max() <= 1
    path = tmp_path / "a.png"
    path.write_bytes(contents.numpy())
    model = keras.Sequential(
        [keras.Input((112, 112, 3)), keras.layers.Flatten()]
    )
    embedder = Embedder(model, flip=False, unit_length=False)
    (found,) = embedder([str(path)], landmarks=points[np.newaxis])
    np.testing.assert_array_equal(found, aligned.ravel())


@pytest.mark.parametrize(
    "landmarks, message",
    [
        (np.ones((2, 5, 2)), "five different finite points.*row 0"),
        (np.ones((2, 4, 2)), r"shape .n, 5, 2.. Received: \(2, 4, 2\)"),
        (TEMPLATE[np.newaxis] * np.nan, "five different finite points"),
    ],
)
def test_points_that_align_nothing_are_refused(landmarks, message):
    with pytest.raises(ValueError, match=message):
        alignments(landmarks, 112)
