"""The notebook runs from top to bottom, and git keeps none of its outputs.

Its cells are plain Python, which a process without Jupyter can run.
"""

import json

import pytest

from tests.docs.pages import ROOT

NOTEBOOK = ROOT / "docs" / "quickstart.ipynb"


@pytest.fixture(scope="module")
def cells():
    """The code cells."""
    notebook = json.loads(NOTEBOOK.read_text(encoding="utf-8"))
    assert (notebook["nbformat"], notebook["nbformat_minor"]) == (4, 5)
    return [x for x in notebook["cells"] if x["cell_type"] == "code"]


def test_no_outputs_are_kept(cells):
    assert cells
    for cell in cells:
        assert cell["outputs"] == []
        assert cell["execution_count"] is None


def test_cells_run(cells, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MPLBACKEND", "agg")
    names = {"__name__": "notebook"}
    for number, cell in enumerate(cells, start=1):
        code = compile("".join(cell["source"]), f"cell {number}", "exec")
        exec(code, names)
    folder = tmp_path / "runs" / "notebook"
    assert (folder / "similarities.png").stat().st_size > 0
    # What it shows has to be worth showing: a model that has learned.
    assert names["report"]["auc"] > 0.7
    assert "similarity" in capsys.readouterr().out
