"""The flag files in `examples/recipes`, as far as a small machine runs them."""

import math

import pytest

from tests.cli.given import given
from tests.cli.programs import ROOT
from tests.cli.programs import run
from unpg_tf.cli.train import flags as train_flags
from unpg_tf.cli.train.flags import FLAGS

RECIPES = sorted((ROOT / "examples" / "recipes").glob("*.flags"))
# What is left of the data, the network and the time.
SMALL = (
    "--data=synthetic",
    "--synthetic_identities=4",
    "--synthetic_images=8",
    "--backbone=small",
    "--image_size=32",
    "--embedding_dim=16",
    "--batch_size=16",
    "--epochs=2",
    "--warmup_epochs=1",
    "--strategy=none",
)


@pytest.mark.parametrize("recipe", RECIPES, ids=lambda path: path.stem)
def test_a_recipe_is_of_flags_that_there_are(recipe):
    with given(FLAGS):
        FLAGS(["unpg train", f"--flagfile={recipe}", "--output_dir=run"])
        train_flags.check()
        # The settings that all of them share.
        assert FLAGS.decay == "l2" and FLAGS.decay_all
        assert FLAGS.weight_decay == 0.0005 and FLAGS.dropout == 0
        assert FLAGS.embedding_dim == 512 and FLAGS.image_size == 112
        is_unpg = recipe.stem.endswith("_unpg")
        assert FLAGS.loss == ("unpg" if is_unpg else "margin")
        # The paper has no bounds.
        bounds = FLAGS.max_pair_share, FLAGS.max_target_ratio
        assert bounds == ((1, math.inf) if is_unpg else (0.1, 10))
        assert recipe.stem.split("_")[1] in (FLAGS.head, "partial")
    lines = recipe.read_text().splitlines()
    assert sum(line.startswith("# To reproduce, in %: ") for line in lines) == 1


# The others differ in numbers alone.
@pytest.mark.parametrize("name", ["ms1mv2_magface_unpg", "webface_partial_fc"])
def test_a_recipe_trains(name, tmp_path):
    recipe = ROOT / "examples" / "recipes" / f"{name}.flags"
    done = run(
        "train", f"--flagfile={recipe}", *SMALL, f"--output_dir={tmp_path}"
    )
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "model.keras").exists()
