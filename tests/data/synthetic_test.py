import numpy as np
import pytest

from unpg_tf.data import Strengths
from unpg_tf.data import draw
from unpg_tf.data import labelled_images
from unpg_tf.data import verification_pairs

SIZE = 24
PLAIN = Strengths(0, 0, 0, 0)


def difference(a, b):
    return np.abs(a.astype(float) - b).mean()


def test_an_image_depends_on_its_identity_and_view_alone():
    together = draw([5, 3, 5], [0, 1, 2], SIZE)
    for row, (identity, view) in enumerate([(5, 0), (3, 1), (5, 2)]):
        alone = draw([identity], [view], SIZE)
        np.testing.assert_array_equal(together[row], alone[0])


def test_more_images_than_are_drawn_at_once():
    done = []
    images = draw(np.arange(300), 0, 8, progress=done.append)
    assert done == [256, 300]
    assert images.shape == (300, 8, 8, 3) and images.dtype == np.uint8
    np.testing.assert_array_equal(images[299:], draw([299], [0], 8))


def test_the_seed_draws_other_identities():
    assert difference(draw([0], [0], SIZE), draw([0], [0], SIZE, seed=1)) > 10


def test_without_strength_the_identity_is_all_that_counts():
    images = draw([0, 0, 1], [0, 1, 0], SIZE, PLAIN)
    inside = np.s_[9:15, 9:15]
    assert difference(images[0][inside], images[1][inside]) == 0
    assert difference(images[0][inside], images[2][inside]) > 10


@pytest.mark.parametrize("name", Strengths._fields)
def test_each_strength_makes_an_identity_differ_more(name):
    views = np.arange(20)
    plain = draw(7, views, SIZE, PLAIN)
    half, full = (
        difference(draw(7, views, SIZE, PLAIN._replace(**{name: s})), plain)
        for s in (0.5, 1.0)
    )
    assert 1 < half < full


@pytest.mark.parametrize("value", [-0.1, 1.5])
def test_a_strength_out_of_range_is_named(value):
    with pytest.raises(
        ValueError, match=rf"Expected noise in \[0, 1\].*{value}"
    ):
        draw([0], [0], SIZE, Strengths(noise=value))


def test_labelled_images_are_those_of_their_labels():
    images, labels = labelled_images(3, 2, SIZE, strengths=PLAIN, seed=4)
    np.testing.assert_array_equal(labels, [0, 0, 1, 1, 2, 2])
    assert labels.dtype == np.int32
    views = [0, 1, 0, 1, 0, 1]
    expected = draw(labels, views, SIZE, PLAIN, seed=4)
    np.testing.assert_array_equal(images, expected)
    assert len(np.unique(images, axis=0)) == 6


def test_pairs_are_of_one_identity_as_often_as_of_two():
    images, left, right, same = verification_pairs(50, 6, SIZE, strengths=PLAIN)
    np.testing.assert_array_equal(same, [True, False] * 3)
    # Pair i shows identity 50 + 2 i, and in its second image that or the next.
    first = 50 + 2 * np.arange(6)
    expected = draw(first, 0, SIZE, PLAIN)
    np.testing.assert_array_equal(images[left], expected)
    expected = draw(first + ~same, 1, SIZE, PLAIN)
    np.testing.assert_array_equal(images[right], expected)


def test_identities_can_be_told_apart_but_not_by_pixels_alone():
    images, left, right, same = verification_pairs(0, 200, SIZE)
    distances = np.array(
        [
            difference(images[i], images[j])
            for i, j in zip(left, right, strict=True)
        ]
    )
    threshold = np.median(distances)
    accuracy = np.mean((distances < threshold) == same)
    assert 0.5 < accuracy < 0.75
