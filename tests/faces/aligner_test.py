"""From a photo to aligned faces, with a detector that is known to be right."""

import sys

import numpy as np
import pytest

from tests.faces import drawn
from unpg_tf.faces import TEMPLATE
from unpg_tf.faces import Aligner
from unpg_tf.faces import crop_face
from unpg_tf.faces import load_detector
from unpg_tf.faces.detection import checked


def far(crop, size=112):
    """How far the dots of a crop are from the template, in pixels."""
    _, (points, *_), _ = drawn.detect(crop)
    return np.abs(points - TEMPLATE * size / 112).max()


@pytest.mark.parametrize("size", [112, 64])
@pytest.mark.parametrize(
    ("scale", "turn"), [(1, 0), (2, 0.5), (1.2, -2), (7, 0.3)]
)
def test_points_come_to_the_template(size, scale, turn):
    """Of a turned face too, and of one that is many times its crop."""
    points = drawn.placed(scale, turn)
    points += 40 - points.min(axis=0)
    width, height = (points.max(axis=0) + 40).astype(int).tolist()
    image = drawn.draw((width, height), points)
    crop = crop_face(image, points, size)
    assert crop.shape == (size, size, 3) and crop.dtype == np.uint8
    assert far(crop, size) < 0.6


def test_an_unturned_face_of_the_crops_size_keeps_its_pixels():
    rng = np.random.default_rng(0)
    image = rng.integers(0, 256, (150, 170, 3)).astype(np.uint8)
    crop = crop_face(image, TEMPLATE + [20, 10])
    np.testing.assert_allclose(crop, image[10:122, 20:132], atol=1)


def test_a_large_face_is_shrunk_with_antialiasing():
    # Stripes that are finer than a pixel of the crop become grey.
    image = np.zeros((1200, 1200, 3), np.uint8)
    image[:, ::2] = 200
    crop = crop_face(image, TEMPLATE * 10.4)
    assert np.abs(crop[5:-5, 5:-5].astype(int) - 100).max() < 8


def test_outside_of_the_photo_it_is_black():
    image = np.full((112, 112, 3), 255, np.uint8)
    crop = crop_face(image, TEMPLATE + [40, 0])
    assert (crop[:, :70] == 255).all() and (crop[:, 73:] == 0).all()
    assert not crop_face(image, TEMPLATE - 500).any()


def test_the_face_that_is_meant():
    large = drawn.placed(2, 0, (200, 0))
    central = drawn.placed(1, 0, (100, 150))
    image = drawn.draw((440, 400), central, large)

    def chosen(**options):
        return Aligner(drawn.detect, **options)(image)

    (face,), found, reason = chosen()
    assert found == 2 and reason == ""
    np.testing.assert_allclose(face.points, large, atol=1)
    assert face.score == pytest.approx(205 / 255)
    left, top, right, bottom = face.box
    assert right - left == pytest.approx(np.ptp(large[:, 0]), abs=4)
    (face,), *_ = chosen(face="central")
    np.testing.assert_allclose(face.points, central, atol=1)
    both, *_ = chosen(face="all")
    np.testing.assert_allclose(both[0].points, large, atol=1)
    np.testing.assert_allclose(both[1].points, central, atol=1)
    (only,), *_ = chosen(face="all", min_face=60)
    np.testing.assert_allclose(only.points, large, atol=1)
    (only,), *_ = chosen(min_score=0.9)
    np.testing.assert_allclose(only.points, central, atol=1)


def test_why_there_is_none():
    image = drawn.draw((200, 200), drawn.placed())
    for options, reason in (
        ({"min_face": 70}, "face of 43 pixels, below min_face=70"),
        ({"min_score": 1.5}, "score 1.000, below min_score=1.5"),
    ):
        faces, found, told = Aligner(drawn.detect, **options)(image)
        assert (faces, found, told) == ([], 1, reason)
    nothing = np.zeros((50, 50, 3), np.uint8)
    assert Aligner(drawn.detect)(nothing) == ([], 0, "no face found")


def test_a_large_photo_is_shrunk_for_the_detector_alone():
    points = drawn.placed(8, 0.2, (300, 100))
    image = drawn.draw((1300, 1200), points)
    shown = []

    def detect(image):
        shown.append(image.shape)
        return drawn.detect(image)

    (face,), *_ = Aligner(detect, detection_size=400)(image)
    assert shown == [(369, 400, 3)]
    np.testing.assert_allclose(face.points, points, atol=2)
    # Cut from the photo, not from what was shown.
    assert far(face.crop) < 1


def test_a_detector_may_refine_the_points_of_what_is_cut():
    class Refining(drawn.Detector):
        def refine(self, image, points):
            return points + [5, 0]

    image = drawn.draw((200, 200), drawn.placed())
    (face,), *_ = Aligner(Refining())(image)
    np.testing.assert_allclose(face.points, TEMPLATE + [5, 0], atol=1)


def test_detectors_by_name(monkeypatch):
    name = "tests.faces.drawn"
    assert load_detector(f"{name}:detect") is drawn.detect
    made = load_detector(f"{name}:Detector")
    assert isinstance(made, drawn.Detector)
    assert Aligner(made).min_score == 0.7
    for wrong, message in (
        ("mtcn", "Expected mtcnn, yunet or module:callable. Received: mtcn"),
        (f"{name}:nothing", f"Received: no nothing in {name}"),
        (f"{name}:BACKGROUND", "a callable of an image. Received: tuple"),
        ("yunet", "Expected the file of the detector's model"),
    ):
        with pytest.raises(ValueError, match=message):
            load_detector(wrong)
    with pytest.raises(ImportError):
        load_detector("no_such_module:detect")
    with pytest.raises(FileNotFoundError, match="yunet_2023mar.*none.onnx"):
        load_detector("yunet", "none.onnx")
    for module, extra in (("mtcnn", "align"), ("cv2", "yunet")):
        monkeypatch.setitem(sys.modules, module, None)
        with pytest.raises(ImportError, match=rf"unpg-tf\[{extra}\]"):
            load_detector("yunet" if extra == "yunet" else "mtcnn", __file__)


def test_an_answer_that_is_none_is_refused():
    image = drawn.draw((50, 50))
    with pytest.raises(ValueError, match=r"points \[n, 5, 2\].*\(2, 10\)"):
        Aligner(drawn.wrong)(image)
    with pytest.raises(ValueError, match="boxes, points and scores.*: int"):
        Aligner(lambda image: 3)(image)
    nan = np.full((1, 4), np.nan), np.ones((1, 5, 2)), np.ones(1)
    with pytest.raises(ValueError, match="finite numbers"):
        Aligner(lambda image: nan)(image)


@pytest.mark.parametrize(
    "options", [{"image_size": 0}, {"face": "any"}, {"detection_size": -1}]
)
def test_wrong_arguments(options):
    with pytest.raises(ValueError, match=f"Expected .*{next(iter(options))}"):
        Aligner(drawn.detect, **options)


def test_mtcnn_sees_no_face_where_there_is_none():
    """The real one, on dots and noise; faces are in no test."""
    detector = load_detector("mtcnn")
    noise = np.random.default_rng(0).integers(0, 256, (90, 120, 3))
    for image in (
        drawn.draw((130, 130), TEMPLATE),
        noise.astype(np.uint8),
        np.zeros((8, 300, 3), np.uint8),
    ):
        boxes, points, scores = detector(image)
        assert boxes.shape == (len(scores), 4)
        assert points.shape == (len(scores), 5, 2)
        faces, _, reason = Aligner(detector)(image)
        assert faces == [] and reason


def test_mtcnn_turns_what_it_finds_in_the_mirror(monkeypatch):
    """Its rows: image, box, score, five x, five y; of two images."""
    detector = load_detector("mtcnn")
    five = TEMPLATE + [60, 20]
    mirrored = (five * [-1, 1] + [199, 0])[[1, 0, 2, 4, 3]]

    def row(image, points, score):
        box = [*points.min(axis=0), *points.max(axis=0)]
        return [image, *box, score, *points.T.ravel()]

    rows = []

    def detect_faces(images, **_):
        assert (images[1] == images[0][:, ::-1]).all()
        return np.array(rows)

    monkeypatch.setattr(detector._mtcnn, "detect_faces", detect_faces)
    image = drawn.draw((200, 180), five)
    # In both, a pixel apart; and another in the mirror image alone.
    other = mirrored * 0.5
    rows += [row(0, five + 1, 0.9), row(1, mirrored, 0.95), row(1, other, 0.8)]
    boxes, points, scores = detector(image)
    np.testing.assert_allclose(points[0], five + [0.5, 0.5])
    np.testing.assert_allclose(boxes[0, :2], five.min(axis=0) + 0.5)
    np.testing.assert_allclose(scores, [0.95, 0.8])
    expected = (other * [-1, 1] + [199, 0])[[1, 0, 2, 4, 3]]
    np.testing.assert_allclose(points[1], expected)
    assert points[1, 0, 0] < points[1, 1, 0]


def test_mtcnn_looks_again_at_a_tilted_face_upright(monkeypatch):
    detector = load_detector("mtcnn")
    truth = drawn.placed(1.5, 0.6, (150, 10))
    image = drawn.draw((400, 300), truth)
    seen = []

    def detect(self, image):
        seen.append(image)
        return checked(drawn.detect(image))

    monkeypatch.setattr(type(detector), "__call__", detect)
    coarse = truth + np.random.default_rng(0).normal(0, 2, (5, 2))
    better = detector.refine(image, coarse)
    assert np.abs(better - truth).max() < 1 < np.abs(coarse - truth).max()
    _, (points, *_), _ = drawn.detect(seen[0])
    # Upright: the eyes are on a line, left of each other.
    left, right = points[:2]
    assert abs(left[1] - right[1]) < 4 and right[0] - left[0] > 25
    # Where there is nothing, the points stay.
    blank = np.zeros_like(image)
    np.testing.assert_array_equal(detector.refine(blank, coarse), coarse)
