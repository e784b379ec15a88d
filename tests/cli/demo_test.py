"""`unpg demo`: its table. `make demo` runs all of it."""

import json

from unpg_tf.cli.demo import program


def test_the_table_says_nothing_of_too_few_pairs(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    report = {"accuracy": 0.9, "auc": 0.95, "eer": 0.125}
    report["tar_at_far"] = {"0.1": 0.75, "0.01": None}
    for path in program.REPORTS.values():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(report))
    program._compare()
    lines = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert ["accuracy", "0.9000", "0.9000"] in lines
    assert ["TAR", "at", "FAR", "0.01", "-", "-"] in lines
