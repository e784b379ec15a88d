import numpy as np
import pytest

from unpg_tf.data import Balanced

# Identities of 1 to 12 images, in no order.
SIZES = [12, 3, 1, 7, 4, 9]
LABELS = np.random.default_rng(0).permutation(np.repeat(np.arange(6), SIZES))
STEPS = len(LABELS) // 8


@pytest.fixture
def batches():
    return Balanced(LABELS, 8, identities_per_batch=2, seed=5)


def test_batches_hold_p_identities_of_k_images(batches):
    for epoch in range(5):
        rows = batches(epoch)
        assert rows.shape == (STEPS, 8) and rows.dtype == np.int32
        for batch in rows:
            who, counts = np.unique(LABELS[batch], return_counts=True)
            assert counts.tolist() == [4, 4]
            for identity in who:
                images = batch[LABELS[batch] == identity]
                assert len(set(images)) == min(4, SIZES[identity])


def test_identities_come_equally_often_and_their_images_in_turn():
    batches = Balanced(LABELS, 8, identities_per_batch=2, seed=5)
    rows = batches(0)
    often = np.bincount(LABELS[rows[:, ::4]].ravel(), minlength=6)
    assert np.ptp(often) <= 1
    for identity, size in enumerate(SIZES):
        images = rows[LABELS[rows] == identity]
        counts = np.bincount(images, minlength=len(LABELS))
        counts = counts[LABELS == identity]
        assert len(counts) == size and np.ptp(counts) <= 1


def test_the_seed_and_the_epoch_decide(batches):
    again = Balanced(LABELS, 8, identities_per_batch=2, seed=5)
    other = Balanced(LABELS, 8, identities_per_batch=2, seed=6)
    np.testing.assert_array_equal(batches(3), again(3))
    assert (batches(3) != batches(4)).any()
    assert (batches(3) != other(3)).any()


def test_all_identities_in_a_batch():
    batches = Balanced(LABELS, 12, identities_per_batch=6, seed=0)
    for batch in batches(0):
        assert set(LABELS[batch]) == set(range(6))


def test_a_number_that_does_not_fit_is_named():
    with pytest.raises(ValueError, match="divisor of batch_size=8.*=3"):
        Balanced(LABELS, 8, identities_per_batch=3, seed=0)
    with pytest.raises(ValueError, match="at most the 6 identities.*=8"):
        Balanced(LABELS, 8, identities_per_batch=8, seed=0)
