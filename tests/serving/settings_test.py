"""Reading an evaluation's threshold."""

import json

import pytest

from unpg_tf.serving import read_settings


@pytest.mark.parametrize("flip", [True, False])
def test_threshold_and_flip(tmp_path, flip):
    report = tmp_path / "report.json"
    report.write_text(json.dumps({"threshold": 0.25, "flip": flip, "auc": 1}))
    assert read_settings(report) == {
        "threshold": 0.25,
        "flip": flip,
        "false_accept_rate": None,
    }


def test_threshold_at_a_false_accept_rate(tmp_path):
    report = tmp_path / "report.json"
    rates = {"0.1": 0.125, "0.001": 0.5, "0.0001": None}
    report.write_text(json.dumps({"threshold": 0, "threshold_at_far": rates}))
    got = read_settings(report, far=0.001)
    assert (got["threshold"], got["false_accept_rate"]) == (0.5, 0.001)
    for far in (0.0001, 0.2):
        with pytest.raises(ValueError, match=rf"rate {far}.*\[0.1, 0.001\]"):
            read_settings(report, far=far)


@pytest.mark.parametrize(
    "rates",
    [None, [0.5], {"0.1": "x"}, {"0.1": [1]}, {"0.1": 0.3, "1e-1": 0.4}],
)
def test_rates_that_are_something_else_are_named(tmp_path, rates):
    report = tmp_path / "report.json"
    report.write_text(json.dumps({"threshold": 0, "threshold_at_far": rates}))
    with pytest.raises(ValueError, match=r"report\.json: Expected .* Received"):
        read_settings(report, far=0.1)


def test_flip_is_off_where_the_report_does_not_say(tmp_path):
    report = tmp_path / "report.json"
    report.write_text('{"threshold": 0.25}')
    assert read_settings(report)["flip"] is False


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "[0.3]",
        "0.3",
        '{"auc": 1}',
        '{"threshold": null}',
        '{"threshold": true}',
        '{"threshold": "0.3"}',
        '{"threshold": NaN}',
        '{"threshold": -3}',
        f'{{"threshold": {10**400}}}',
        '{"threshold": 0.3, "flip": "false"}',
        '{"threshold": 0.3, "flip": 0}',
        "[" * 5000,
    ],
)
def test_a_report_without_a_threshold_is_refused(tmp_path, text):
    report = tmp_path / "report.json"
    report.write_text(text)
    with pytest.raises(ValueError, match=r"report\.json: Expected .* Received"):
        read_settings(report)


def test_a_missing_report_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match="nothing.json"):
        read_settings(tmp_path / "nothing.json")
