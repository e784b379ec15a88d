"""What an evaluation found out about serving a model."""

from pathlib import Path

from unpg_tf import json_files


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
        ValueError: the file isn't a JSON object, or has no cosine as its
            threshold, or none for `far`, as where it was measured on too few
            pairs.

    Example:

        settings = unpg_tf.serving.read_settings("runs/demo/report.json")
        unpg_tf.serving.save(model, "saved_models/demo/1", **settings)
    """
    if not Path(report).is_file():
        raise FileNotFoundError(f"Expected a report. Received: {report}")
    values = json_files.read_object(report)
    threshold = _cosine(values.get("threshold"), '"threshold"', report)
    if far is not None:
        threshold = _threshold_at(far, values, report)
    flip = values.get("flip")
    if not (flip is None or isinstance(flip, bool)):
        raise ValueError(
            f'{report}: Expected true or false under "flip". Received: {flip!r}'
        )
    return {
        "threshold": threshold,
        "flip": bool(flip),
        "false_accept_rate": far,
    }


def _threshold_at(far, values, report):
    rates = values.get("threshold_at_far", {})
    thresholds = {}
    try:
        for rate, value in rates.items():
            if float(rate) in thresholds:
                raise ValueError(f"the rate {rate} in two spellings")
            thresholds[float(rate)] = value
    except (AttributeError, ValueError) as error:
        raise ValueError(
            f'{report}: Expected numbers by their rates in "threshold_at_far". '
            f"Received: {str(error)[:60]}"
        ) from error
    known = {rate for rate, value in thresholds.items() if value is not None}
    if far not in known:
        raise ValueError(
            f"{report}: Expected a threshold at the false accept rate {far}. "
            f"Received: those at {sorted(known, reverse=True)}"
        )
    return _cosine(thresholds[far], f'"threshold_at_far", {far}', report)


def _cosine(value, what, report):
    # A threshold just above 1 accepts no pair.
    return json_files.number(value, what, report, low=-1.001, high=1.001)
