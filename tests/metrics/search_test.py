import numpy as np
import pytest

from unpg_tf.metrics import search
from unpg_tf.metrics import top_matches


def naive(probes, gallery, k):
    """Each probe's k best, by the whole matrix and a full sort."""
    similarities = np.array(
        [
            [
                p @ g / max(np.linalg.norm(p) * np.linalg.norm(g), 1e-30)
                for g in gallery
            ]
            for p in probes
        ]
    )
    rows = np.argsort(-similarities, axis=1, kind="stable")[:, :k]
    return np.take_along_axis(similarities, rows, axis=1), rows


@pytest.fixture(params=[1, 7, 64, 1 << 22])
def block(request, monkeypatch):
    """Blocks of one similarity, of a few, of one row, and of all."""
    monkeypatch.setattr(search, "_BLOCK", request.param)
    monkeypatch.setattr(search, "_PROBES", 4)


@pytest.mark.parametrize("k", [1, 3, 40])
def test_blocks_find_what_the_whole_matrix_has(block, k):
    rng = np.random.default_rng(0)
    probes, gallery = rng.normal(size=(9, 6)), rng.normal(size=(40, 6))
    expected = naive(probes, 3 * gallery, k)
    done = []
    actual = top_matches(probes, 3 * gallery, k, progress=done.append)
    assert done == sorted(set(done)) and done[-1] == 9 * 40
    np.testing.assert_allclose(actual[0], expected[0], atol=1e-6)
    np.testing.assert_array_equal(actual[1], expected[1])


def test_equal_similarities_come_in_the_order_of_the_gallery(block):
    gallery = np.eye(3)[[1, 0, 1, 2, 1, 0]]
    found, rows = top_matches(np.eye(3)[[1]], gallery, 4)
    np.testing.assert_array_equal(found, [[1, 1, 1, 0]])
    np.testing.assert_array_equal(rows, [[0, 2, 4, 1]])


def test_an_order_restricts_the_gallery(block):
    rng = np.random.default_rng(1)
    probes, gallery = rng.normal(size=(3, 5)), rng.normal(size=(30, 5))
    order = rng.permutation(30)[:12]
    found, rows = top_matches(probes, gallery, 4, order)
    expected, places = naive(probes, gallery[order], 4)
    np.testing.assert_allclose(found, expected, atol=1e-6)
    np.testing.assert_array_equal(rows, order[places])


def test_a_gallery_on_disk_and_zero_embeddings(tmp_path):
    gallery = np.lib.format.open_memmap(
        tmp_path / "g.npy", "w+", np.float32, (4, 3)
    )
    gallery[1] = [0, 0, 5]
    found, rows = top_matches(np.array([[0, 0, 2.0], [0, 0, 0]]), gallery, 2)
    np.testing.assert_array_equal(found, [[1, 0], [0, 0]])
    assert rows[0, 0] == 1


@pytest.mark.parametrize(
    "probes, gallery, k, message",
    [
        (np.ones((2, 3)), np.ones((4, 2)), 1, "probes .n, dim. and gallery"),
        (np.ones(3), np.ones((4, 3)), 1, "probes .n, dim."),
        (np.ones((2, 3)), np.ones((4, 3)), 0, "k in 1..4. Received: k=0"),
        (np.ones((2, 3)), np.ones((4, 3)), 5, "k in 1..4. Received: k=5"),
        (np.ones((2, 3)) * np.nan, np.ones((4, 3)), 1, "2 with NaN"),
        (np.ones((2, 3)), np.ones((4, 3)) * np.inf, 1, "4 with NaN"),
    ],
)
def test_refuses_what_it_can_not_search(probes, gallery, k, message):
    with pytest.raises(ValueError, match=message):
        top_matches(probes, gallery, k)
