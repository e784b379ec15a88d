import builtins

import numpy as np
import pytest
import tensorflow as tf

from tests.metrics.cases import CASES
from tests.metrics.cases import random_case
from unpg_tf.evaluation import plot_comparison
from unpg_tf.evaluation import plot_roc
from unpg_tf.evaluation import plot_similarities

# Many values, many ties, all parted, all equal.
KINDS = [CASES[0], CASES[3], CASES[6], CASES[8]]


def read(path):
    return tf.io.decode_png(path.read_bytes(), channels=3).numpy()


def share_of(image, color):
    return np.mean(np.abs(image.astype(int) - color).max(axis=-1) < 8)


@pytest.mark.filterwarnings("error")
def test_draws_every_kind_of_case(tmp_path):
    for i, (similarities, same) in enumerate(KINDS):
        plot_roc(tmp_path / f"{i}_roc.png", similarities, same)
        plot_similarities(tmp_path / f"{i}.png", similarities, same, 0.3)
    files = list(tmp_path.iterdir())
    assert len(files) == 2 * len(KINDS)
    for file in files:
        # Mostly white paper, but not empty.
        assert 0.5 < share_of(read(file), (255, 255, 255)) < 0.99


def test_both_kinds_of_pairs_have_their_color(tmp_path):
    path = tmp_path / "new" / "folder" / "similarities.png"
    plot_similarities(path, *random_case(0, pairs=300))
    image = read(path)
    for color in ((0x00, 0x72, 0xB2), (0xD5, 0x5E, 0x00)):
        assert share_of(image, color) > 0.002


def test_another_curve_gives_another_picture(tmp_path):
    similarities, same = random_case(0)
    plot_roc(tmp_path / "a.png", similarities, same)
    plot_roc(tmp_path / "b.png", similarities, same)
    plot_roc(tmp_path / "c.png", -similarities, same)
    a, b, c = (read(tmp_path / f"{name}.png") for name in "abc")
    np.testing.assert_array_equal(a, b)
    assert not np.array_equal(a, c)


def test_says_which_extra_is_missing(tmp_path, monkeypatch):
    real_import = builtins.__import__

    def without_matplotlib(name, *args):
        if name.startswith("matplotlib"):
            raise ImportError(name)
        return real_import(name, *args)

    monkeypatch.setattr(builtins, "__import__", without_matplotlib)
    for plot in (plot_roc, plot_similarities):
        with pytest.raises(ImportError, match=r"unpg-tf\[plots\]"):
            plot(tmp_path / "picture.png", *random_case(0))


def test_a_comparison_has_a_curve_of_each_model(tmp_path):
    similarities, same = random_case(0, pairs=300)
    models = {"one": similarities, "other": similarities + 0.2 * same}
    path = tmp_path / "compared.png"
    plot_comparison(path, models, same, "Two models")
    image = read(path)
    for color in ((0x00, 0x9E, 0x73), (0xCC, 0x79, 0xA7), (0x00, 0x72, 0xB2)):
        assert share_of(image, color) > 0.001
    plot_comparison(tmp_path / "again.png", {"one": similarities}, same)
    assert share_of(read(tmp_path / "again.png"), (0xCC, 0x79, 0xA7)) == 0
    with pytest.raises(ValueError, match="one to 6 models"):
        plot_comparison(path, {}, same)
