"""What an evaluation found out about serving a model."""

import json
from pathlib import Path


def read_settings(report, far=None):
    """Reads the threshold, and what it is the threshold of, from a report.

    A threshold holds for embeddings made as they were when it was chosen:
    with the flip test or without. The two therefore go together.

    Args:
        report: string or path, the JSON file that `unpg evaluate`
            wrote.
        far: float, one of the report's false accept rates, whose threshold is
            wanted; None for the threshold of the best accuracy.

    Returns:
        Dictionary of arguments of `unpg_tf.serving.save`: `threshold`, float;
        `flip`, bool, false where the report doesn't say; and
        `false_accept_rate`, which is `far`.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: the file isn't JSON, or has no number as its threshold, or
            none for `far`, as where it was measured on too few pairs.

    Example:

        settings = unpg_tf.serving.read_settings("runs/demo/report.json")
        unpg_tf.serving.save(model, "saved_models/demo/1", **settings)
    """
    if not Path(report).is_file():
        raise FileNotFoundError(f"Expected a report. Received: {report}")
    text = Path(report).read_text(encoding="utf-8", errors="replace")
    try:
        values = json.loads(text)
        threshold = float(values["threshold"])
    except (ValueError, TypeError, KeyError) as error:
        raise ValueError(
            f'{report}: Expected JSON with a number under "threshold". '
            f"Received: {text[:60]!r}"
        ) from error
    if far is not None:
        threshold = _threshold_at(far, values, report)
    return {
        "threshold": threshold,
        "flip": bool(values.get("flip", False)),
        "false_accept_rate": far,
    }


def _threshold_at(far, values, report):
    rates = values.get("threshold_at_far", {})
    try:
        thresholds = {
            float(rate): float(value)
            for rate, value in rates.items()
            if value is not None
        }
    except (ValueError, TypeError, AttributeError) as error:
        raise ValueError(
            f'{report}: Expected numbers by their rates in "threshold_at_far". '
            f"Received: {str(rates)[:60]}"
        ) from error
    if far not in thresholds:
        raise ValueError(
            f"{report}: Expected a threshold at the false accept rate {far}. "
            f"Received: those at {list(thresholds)}"
        )
    return thresholds[far]
