import numpy as np
import pytest

from unpg_tf.evaluation import pool_templates
from unpg_tf.evaluation import templates as templates_module
from unpg_tf.evaluation.evaluate_templates import evaluate_templates
from unpg_tf.evaluation.ijb import Templates
from unpg_tf.evaluation.templates import pool_templates as pool

IMAGES, DIM = 60, 5


def case(seed=0):
    rng = np.random.default_rng(seed)
    template = rng.integers(100, 112, IMAGES)
    media = rng.integers(0, 4, IMAGES)
    scores = rng.uniform(0.1, 1, IMAGES)
    return rng.normal(size=(IMAGES, DIM)), template, media, scores


def naive(embeddings, template, media, scores, keep_norm):
    """Template by template, medium by medium."""
    pooled = []
    for t in sorted(set(template)):
        total = np.zeros(DIM)
        for m in sorted(set(media[template == t])):
            rows = [
                i for i in range(IMAGES) if (template[i], media[i]) == (t, m)
            ]
            images = [
                embeddings[i]
                / (1 if keep_norm else np.linalg.norm(embeddings[i]))
                * scores[i]
                for i in rows
            ]
            total += sum(images) / len(images)
        pooled.append(total)
    return np.array(pooled), sorted(set(template))


@pytest.mark.parametrize("chunk", [1, 7, 1000])
@pytest.mark.parametrize("keep_norm", [True, False])
@pytest.mark.parametrize("detector_score", [True, False])
def test_pools_as_the_naive_loop(monkeypatch, chunk, keep_norm, detector_score):
    monkeypatch.setattr(templates_module, "_CHUNK", chunk)
    embeddings, template, media, scores = case()
    expected, ids = naive(
        embeddings,
        template,
        media,
        scores if detector_score else np.ones(IMAGES),
        keep_norm,
    )
    actual = pool_templates(
        embeddings,
        template,
        media,
        scores if detector_score else None,
        keep_norm,
    )
    assert actual[0].dtype == np.float32
    np.testing.assert_allclose(actual[0], expected, atol=1e-6)
    np.testing.assert_array_equal(actual[1], ids)


def test_a_medium_is_one_templates_own():
    # Medium 1 of template 7 and medium 1 of template 8 are two.
    pooled, ids = pool(np.eye(4), [7, 8, 7, 8], [1, 1, 1, 2])
    np.testing.assert_array_equal(ids, [7, 8])
    np.testing.assert_array_equal(pooled, [[0.5, 0, 0.5, 0], [0, 1, 0, 1]])


def test_what_does_not_fit_is_refused():
    with pytest.raises(ValueError, match="Expected embeddings .n, dim."):
        pool(np.eye(3), [1, 1], [1, 1, 1])
    with pytest.raises(ValueError, match="detector_scores"):
        pool(np.eye(3), [1, 1, 1], [1, 1, 1], np.ones(2))
    with pytest.raises(ValueError, match="finite embeddings"):
        pool(np.eye(3) * np.nan, [1, 1, 1], [1, 1, 1])


class Given:
    """Embeddings that are there, as an embedder gives them."""

    flip = False

    def __init__(self, embeddings):
        self.embeddings = embeddings

    def __call__(self, images, verbose=0, landmarks=None):
        return self.embeddings[images]


def whole_case():
    embeddings, template, media, scores = case(3)
    ids = np.unique(template)
    left, right = np.triu_indices(len(ids), 1)
    person = np.arange(len(ids)) // 2
    galleries = [(np.array([0, 2, 4]), person[[0, 2, 4]])]
    galleries.append((np.array([6, 8]), person[[6, 8]]))
    odd = np.arange(1, len(ids), 2)
    return embeddings, Templates(
        np.arange(IMAGES),
        template,
        media,
        left,
        right,
        person[left] == person[right],
        None,
        scores,
        galleries,
        (odd, person[odd]),
        "IJBX",
    )


@pytest.mark.parametrize("keep_norm", [True, False])
@pytest.mark.parametrize("detector_score", [True, False])
def test_similarities_are_those_of_pooled_templates(keep_norm, detector_score):
    embeddings, templates = whole_case()
    report, similarities = evaluate_templates(
        Given(embeddings), templates, keep_norm, detector_score, replicates=0
    )
    scores = templates.detector_scores if detector_score else np.ones(IMAGES)
    pooled, _ = naive(
        embeddings, templates.template, templates.media, scores, keep_norm
    )
    expected = [
        pooled[i]
        @ pooled[j]
        / np.linalg.norm(pooled[i])
        / np.linalg.norm(pooled[j])
        for i, j in zip(templates.left, templates.right, strict=True)
    ]
    np.testing.assert_allclose(similarities, expected, atol=1e-6)
    assert list(report["tar_at_far"]) == [
        *("0.1", "0.01", "0.001", "0.0001", "1e-05", "1e-06")
    ]
    assert report["switches"] == {
        "keep_norm": keep_norm,
        "detector_score": detector_score,
    }
    assert report["accuracy"] is None and report["intervals"] is None


def test_galleries_are_searched_each_and_averaged():
    embeddings, templates = whole_case()
    report, _ = evaluate_templates(Given(embeddings), templates, replicates=0)
    galleries = report["galleries"]
    assert [galleries[n]["mated"] for n in "12"] == [3, 2]
    assert [galleries[n]["gallery"] for n in "12"] == [3, 2]
    for key, mean in report["identification"]["rank"].items():
        assert mean == np.mean([galleries[n]["rank"][key] for n in "12"])
    assert set(report["identification"]["tpir_at_fpir"].values()) == {None}


def test_missing_detector_scores_are_told_before_any_work():
    import dataclasses

    _, templates = whole_case()
    templates = dataclasses.replace(templates, detector_scores=None)
    with pytest.raises(ValueError, match="detector_score=False, since IJBX"):
        evaluate_templates(None, templates)
