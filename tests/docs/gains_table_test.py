"""The table of what `benchmarks/gains.py` has found."""

import json

import gains_table
import numpy as np
import pytest


def row(loss, seed, auc, test=""):
    rates = dict.fromkeys(gains_table.COLUMNS[1:], 0.5)
    return {
        "setting": "faces",
        "test": test,
        "head": "cosface",
        "loss": loss,
        "seed": seed,
        "auc": auc,
        **rates,
        "wrong": 0.25,
    }


ROWS = [
    row("margin", 0, 0.90),
    row("margin", 1, 0.92),
    row("margin", 2, 0.10),  # The other has not been run with this seed.
    row("unpg", 1, 0.95),
    row("unpg", 0, 0.92),
    row("margin", 0, 0.7, test=" Q1"),
]


def test_differences_are_of_the_same_seeds(tmp_path):
    file = tmp_path / "gains.jsonl"
    file.write_text("".join(json.dumps(row) + "\n" for row in ROWS))
    found = list(gains_table.differences(gains_table.read([file])))
    assert [case[:3] for case in found] == [
        ("faces", "cosface", "margin"),
        ("faces", "cosface", "unpg"),
        ("faces Q1", "cosface", "margin"),
    ]
    plain, change, _ = (values[:, 0] for *_, values in found)
    np.testing.assert_allclose(plain, [0.9, 0.92, 0.1])
    np.testing.assert_allclose(change, [0.02, 0.03])
    # Half of their distance is the standard error of two.
    errors = gains_table.standard_error(found[1][3])
    assert errors[0] == pytest.approx(0.005)


def test_what_is_beyond_two_standard_errors_is_marked():
    text = gains_table.markdown(ROWS)
    line = next(x for x in text.splitlines() if "| unpg |" in x)
    assert "| 2 | **+0.025 ± 0.005** | +0.000 ± 0.000 |" in line
    assert line.endswith("| +0.00 |")


def test_the_picture_is_written(tmp_path):
    gains_table.picture(ROWS, tmp_path / "gains.svg")
    text = (tmp_path / "gains.svg").read_text()
    assert text.startswith("<?xml") and "faces, cosface" in text
