"""`unpg demo`: its comparison. `make demo` runs all of it."""

import numpy as np
import pytest

from unpg_tf import backbones
from unpg_tf import data
from unpg_tf import evaluation
from unpg_tf import layers
from unpg_tf import losses
from unpg_tf import metrics
from unpg_tf import models
from unpg_tf.cli.demo import comparison


def test_the_table_has_each_rate_and_the_interval_of_the_difference():
    rng = np.random.default_rng(0)
    people = np.repeat(np.arange(40), 3)
    pairs = np.stack(np.triu_indices(len(people), 1), axis=1)
    identities = people[pairs]
    same = identities[:, 0] == identities[:, 1]
    noise = rng.normal(0, 0.3, [2, len(same)])
    found = {"unpg": 1.0 * same + noise[0], "margin": 0.5 * same + noise[1]}
    names, *rows = comparison.table(found, same, identities)
    assert names.split()[:2] == ["unpg", "margin"]
    rows = {row[:22].strip(): row[22:].split() for row in rows}
    assert list(rows) == [
        "AUC",
        "EER (less is better)",
        "TAR at FAR 0.1",
        "TAR at FAR 0.01",
        "TAR at FAR 0.001",
    ]
    ours, theirs, difference, low, high = (
        float(number.strip("[],")) for number in rows["AUC"]
    )
    assert ours == pytest.approx(metrics.auc(found["unpg"], same), abs=1e-4)
    assert difference == pytest.approx(ours - theirs, abs=2e-4)
    assert 0 < low < difference < high


def test_all_pairs_of_strangers_are_compared(tmp_path, monkeypatch):
    monkeypatch.setattr(comparison, "IDENTITIES", 3)
    monkeypatch.setattr(comparison, "IMAGES", 2)
    backbone = backbones.build("small", 32, 8, width=4)
    model = models.EmbeddingModel(backbone, layers.CosFace(4))
    model.compile("sgd", losses.MarginLoss(embedding_dim=8))
    model.save(tmp_path / "model.keras")
    found, same, identities = comparison.similarities_of(
        {"margin": tmp_path / "model.keras"}, 100, 32, data.Strengths()
    )
    np.testing.assert_array_equal(same.nonzero()[0], [0, 9, 14])
    np.testing.assert_array_equal(identities[:2], [[0, 0], [0, 1]])
    images = data.draw([100, 100, 101], [0, 1, 0], 32)
    embeddings = evaluation.Embedder(model)(images)
    expected = embeddings[0] @ embeddings[1:].T
    np.testing.assert_allclose(found["margin"][:2], expected, atol=1e-5)
