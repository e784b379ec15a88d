"""The Python of README and guides runs, on small data."""

import functools

import pytest
import tensorflow as tf
from tensorflow import keras

from tests.docs import stand_ins
from tests.docs.pages import blocks
from tests.docs.pages import pages
from tests.docs.pages import text
from unpg_tf import backbones
from unpg_tf import data

PAGES = [page for page in pages() if blocks(page, "python")]


@pytest.fixture
def small(monkeypatch):
    """Makes less of what a page asks for: steps, images, layers, replicas."""
    fit, draw = keras.Model.fit, data.labelled_images
    mirrored, build = tf.distribute.MirroredStrategy, backbones.build

    @functools.wraps(fit)
    def two_steps(model, *args, **kwargs):
        kwargs["epochs"] = kwargs.get("initial_epoch", 0) + 1
        kwargs["steps_per_epoch"] = 2
        return fit(model, *args, **{**kwargs, "verbose": 0})

    def two_images(identities, images, image_size, **kwargs):
        return draw(identities, min(images, 2), image_size, **kwargs)

    def few_layers(name, image_size, embedding_dim, **options):
        if name != "small":
            return build(name, image_size, embedding_dim, **options)
        return stand_ins.backbone(embedding_dim, image_size)

    def two_replicas(devices=("CPU:0", "CPU:1")):
        return mirrored(list(devices))

    monkeypatch.setattr(keras.Model, "fit", two_steps)
    monkeypatch.setattr(data, "labelled_images", two_images)
    monkeypatch.setattr(backbones, "build", few_layers)
    monkeypatch.setattr(tf.distribute, "MirroredStrategy", two_replicas)


@pytest.mark.parametrize("page", PAGES)
def test_blocks_run(page, small, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    names = {"__name__": "page", "stand_ins": stand_ins}
    for block in blocks(page, "python", "set-up"):
        # Errors then name the page and the line in it.
        code = "\n" * (block.line - 1) + block.code
        exec(compile(code, page, "exec"), names)


def test_every_guide_is_among_the_pages():
    assert "README.md" in PAGES
    assert "docs/guides/quick-start.md" in PAGES


@pytest.mark.parametrize("page", pages())
def test_python_is_fenced_and_closed(page):
    fences = [x for x in text(page).splitlines() if x.startswith("```")]
    assert len(fences) % 2 == 0
    assert all(fence == "```" for fence in fences[1::2])
    known = {"```python", "```sh", "```text", "```yaml", "```json"}
    assert set(fences[::2]) <= known
