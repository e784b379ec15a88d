"""People held out of a folder, and their pairs."""

import numpy as np
import pytest

from unpg_tf.data import read_names
from unpg_tf.evaluation import hold_out
from unpg_tf.evaluation import read_pair_lists


@pytest.fixture
def faces(tmp_path):
    """Ten people of one to five images, whose names have blanks."""
    root = tmp_path / "faces"
    for person in range(10):
        folder = root / f"Person {person}"
        folder.mkdir(parents=True)
        for number in range(1 + person % 5):
            (folder / f"IMG {number}.jpg").write_bytes(b"")
    return root


def held_out(faces, folder, **options):
    people, pairs = folder / "held_out.txt", folder / "pairs.txt"
    counts = hold_out(faces, people, pairs, **options)
    (read,) = read_pair_lists([pairs], faces)
    return counts, read_names(people), read


def test_pairs_are_of_those_held_out_and_of_both_kinds(faces, tmp_path):
    (people, count), names, pairs = held_out(
        faces, tmp_path, share=0.75, num_pairs=40
    )
    # Two of the ten have one image, and no pair.
    assert people == len(names) == 6
    assert not {"Person 0", "Person 5"} & set(names)
    assert len(pairs.same) == count
    assert pairs.same.sum() == count // 2
    assert {path.split("/")[-2] for path in pairs.images} <= set(names)
    np.testing.assert_array_equal(
        pairs.identities[:, 0] == pairs.identities[:, 1], pairs.same
    )
    ends = np.sort([pairs.left, pairs.right], axis=0).T
    assert len(np.unique(ends, axis=0)) == count
    assert (ends[:, 0] != ends[:, 1]).all()


def test_the_seed_says_who_and_each_person_counts_alike(faces, tmp_path):
    first, names, pairs = held_out(faces, tmp_path, share=0.75, num_pairs=20)
    again = held_out(faces, tmp_path, share=0.75, num_pairs=20)
    assert (first, names) == again[:2]
    assert [*pairs.images] == [*again[2].images]
    other = held_out(faces, tmp_path, share=0.75, num_pairs=20, seed=1)
    assert names != other[1] or [*pairs.images] != [*other[2].images]
    of_one = pairs.identities[pairs.same, 0]
    assert set(np.bincount(of_one)) <= {0, 1, 2, 3}


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"share": 0.0}, "share between 0 and 1. Received: share=0.0"),
        ({"num_pairs": 21}, "an even num_pairs of 20 or more"),
        ({"share": 0.2}, "ten pairs or more of each kind.*2 people with "),
    ],
)
def test_what_gives_no_pairs_is_refused(faces, tmp_path, options, message):
    with pytest.raises(ValueError, match=message):
        held_out(faces, tmp_path, **options)
    assert not (tmp_path / "held_out.txt").exists()
