"""Links lead somewhere, and the reference has every public name."""

import importlib
import re
from pathlib import Path

import pytest

from tests.docs.pages import ROOT
from tests.docs.pages import pages
from tests.docs.pages import text
from unpg_tf import compat

REFERENCE = ROOT / "docs" / "reference"
SUB_PACKAGES = sorted(
    path.parent.name
    for path in ROOT.glob("unpg_tf/*/__init__.py")
    if path.parent.name != "cli"
)
_LINK = re.compile(r"\]\(([^()\s]+)\)|\]: (\S+)")
_CODE = re.compile(r"^```.*?^```$|^<!--.*?-->$", re.MULTILINE | re.DOTALL)
_FILE = re.compile(r"`((?:benchmarks|docs|examples|tests|unpg_tf)/[\w/.]*)`")
_HEADING = re.compile(r"^#+ (.*)$", re.MULTILINE)


def _anchors(path):
    """The anchors of a page's headings, as the site makes them."""
    headings = _HEADING.findall(_CODE.sub("", path.read_text()))
    plain = (re.sub(r"[^\w\s-]", "", x).strip().lower() for x in headings)
    return {re.sub(r"[-\s]+", "-", heading) for heading in plain}


@pytest.mark.parametrize("page", pages())
def test_links_of_a_page_lead_somewhere(page):
    for inline, reference in _LINK.findall(_CODE.sub("", text(page))):
        link = inline or reference
        if link.startswith(("http://", "https://")):
            continue
        name, _, anchor = link.partition("#")
        target = (ROOT / page).parent / name if name else ROOT / page
        assert target.exists(), link
        if anchor and not anchor.startswith("unpg_tf."):
            assert anchor in _anchors(target), link


@pytest.mark.parametrize("page", pages())
def test_files_that_a_page_names_are_there(page):
    for name in _FILE.findall(text(page)):
        assert (ROOT / name).exists(), name


@pytest.mark.parametrize("name", SUB_PACKAGES)
def test_reference_has_the_public_names(name):
    page = (REFERENCE / f"{name}.md").read_text()
    shown = re.findall(rf"^::: unpg_tf\.{name}\.(\w+)$", page, re.MULTILINE)
    assert len(shown) == len(set(shown)) == page.count("\n::: ")
    assert set(shown) == set(_public_names(name))


def _public_names(name):
    if name != "model_garden" or not compat.IS_KERAS_3:
        try:
            return importlib.import_module(f"unpg_tf.{name}").__all__
        except ImportError:  # The extra of this one isn't installed.
            assert name == "model_garden"
    source = Path(ROOT, "unpg_tf", name, "__init__.py").read_text()
    return re.findall(r'"(\w+)"', source[source.index("__all__") :])


def test_every_page_is_in_the_navigation():
    navigation = (ROOT / "mkdocs.yml").read_text()
    for page in pages():
        if page.startswith("docs/"):
            assert page.removeprefix("docs/") in navigation


def test_readme_is_short():
    assert len(text("README.md").splitlines()) <= 200
