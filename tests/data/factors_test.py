import numpy as np
import pytest

from unpg_tf.data import Factors
from unpg_tf.data import conditions
from unpg_tf.data import draw_conditions
from unpg_tf.data import images_in_conditions
from unpg_tf.data import pairs_in_conditions
from unpg_tf.data.factors import STEPS

SIZE = 24
NEUTRAL = Factors(4, 4, 0, 0, 0)


def difference(a, b):
    return np.abs(a.astype(float) - b).mean()


def test_levels_lie_within_each_other_around_the_neutral_condition():
    of_level = [set(map(tuple, conditions(q).tolist())) for q in (1, 2, 3, 4)]
    assert [len(found) for found in of_level] == [72, 675, 3136, 10125]
    assert NEUTRAL in of_level[0]
    assert of_level[0] < of_level[1] < of_level[2] < of_level[3]
    assert max(of_level[3]) == tuple(steps - 1 for steps in STEPS)


def test_an_image_depends_on_identity_condition_and_view_alone():
    rows = np.array([[0, 8, 2, 1, 3], NEUTRAL, [4, 4, 0, 4, 4]])
    together = draw_conditions([5, 3, 5], rows, SIZE, views=[0, 1, 2])
    for row, (identity, view) in enumerate([(5, 0), (3, 1), (5, 2)]):
        alone = draw_conditions([identity], rows[row : row + 1], SIZE, view)
        np.testing.assert_array_equal(together[row], alone[0])


@pytest.mark.parametrize("name", Factors._fields)
def test_each_factor_changes_the_image_by_steps(name):
    last = getattr(STEPS, name) - 1
    first = getattr(NEUTRAL, name)
    views = np.arange(20)

    def drawn(step):
        rows = [NEUTRAL._replace(**{name: step})] * 20
        return draw_conditions(np.arange(20), rows, SIZE, views)

    plain = drawn(first)
    near, far = (difference(drawn(step), plain) for step in (first + 1, last))
    # What two takes of one condition differ by: noise, and a slight shift.
    takes = difference(
        draw_conditions(np.arange(20), [NEUTRAL] * 20, SIZE, 99), plain
    )
    assert far > takes + 1.5
    assert far > near


def test_more_images_than_are_drawn_at_once():
    done = []
    rows = [NEUTRAL] * 300
    images = draw_conditions(np.arange(300), rows, 8, progress=done.append)
    assert done == [256, 300]
    assert images.shape == (300, 8, 8, 3) and images.dtype == np.uint8
    np.testing.assert_array_equal(
        images[299:], draw_conditions([299], [NEUTRAL], 8)
    )


def test_a_coarse_image_is_of_blocks():
    # 24 pixels in blocks of 5: the last one is of 4.
    row = NEUTRAL._replace(resolution=4)
    image = draw_conditions([0], [row], SIZE)[0].astype(float)
    inside, across = image[20:24, 20:24], image[5:10, 5:10]
    # Noise has a deviation of 8.
    assert inside.std(axis=(0, 1)).max() < 16
    assert across.std(axis=(0, 1)).max() < 16


def test_training_images_have_conditions_of_their_own():
    images, labels = images_in_conditions(3, 4, SIZE, seed=4)
    np.testing.assert_array_equal(labels, np.repeat([0, 1, 2], 4))
    assert labels.dtype == np.int32
    assert len(np.unique(images, axis=0)) == 12
    again, _ = images_in_conditions(3, 4, SIZE, seed=4)
    np.testing.assert_array_equal(images, again)
    # Some conditions come twice, which are two takes then.
    many, _ = images_in_conditions(1, 400, 8)
    assert len(np.unique(many, axis=0)) == 400


def test_pairs_are_of_one_identity_as_often_as_of_two():
    images, left, right, same = pairs_in_conditions(50, 9, 200, SIZE, level=1)
    np.testing.assert_array_equal(same, [True, False] * 100)
    distances = np.array(
        [
            difference(images[i], images[j])
            for i, j in zip(left, right, strict=True)
        ]
    )
    assert distances[~same].mean() > distances[same].mean() + 3


def test_images_of_one_identity_differ_more_by_level():
    means = []
    for level in (1, 2, 3, 4):
        images, left, right, same = pairs_in_conditions(0, 8, 400, SIZE, level)
        means.append(difference(images[left[same]], images[right[same]]))
    assert means == sorted(means) and means[3] > 1.5 * means[0]


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: conditions(5), "Expected level from 1 to 4.*level=5"),
        (
            lambda: draw_conditions([0], [[0, 0, 0, 5, 0]], 8),
            r"Expected accessory from 0 to 4.*accessory=\[5\]",
        ),
        (
            lambda: draw_conditions([0], [0, 0, 0, 0, 0], 8),
            r"Expected factors \[n, 5\], integers. Received: shape=\(5,\)",
        ),
        (
            lambda: draw_conditions([0, 1], [NEUTRAL] * 3, 8),
            r"Expected identities, 3 non-negative integers.*shape=\(2,\)",
        ),
        (
            lambda: draw_conditions(-1, [NEUTRAL], 8),
            "Expected identities, 1 non-negative integers.*least=-1",
        ),
        (
            lambda: draw_conditions(0, [NEUTRAL], 0),
            "Expected image_size.*image_size=0",
        ),
        (
            lambda: pairs_in_conditions(0, 1, 4, 8, 1),
            "Expected 2 identities or more.*num_identities=1",
        ),
    ],
)
def test_what_there_is_not_is_named(call, message):
    with pytest.raises(ValueError, match=message):
        call()
