"""What an evaluation found out about serving a model."""

import json
from pathlib import Path


def read_settings(report):
    """Reads the threshold, and what it is the threshold of, from a report.

    A threshold holds for embeddings made as they were when it was chosen:
    with the flip test or without. The two therefore go together.

    Args:
        report: string or path, the JSON file that `examples/evaluate.py`
            wrote.

    Returns:
        Dictionary of arguments of `unpg_tf.export.save`: `threshold`, float,
        and `flip`, bool, false where the report doesn't say.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: the file isn't JSON, or has no number as its threshold.

    Example:

        settings = unpg_tf.export.read_settings("runs/demo/report.json")
        unpg_tf.export.save(model, "saved_models/demo/1", **settings)
    """
    if not Path(report).is_file():
        raise FileNotFoundError(f"Expected a report. Received: {report}")
    text = Path(report).read_text(encoding="utf-8")
    try:
        values = json.loads(text)
        threshold = float(values["threshold"])
    except (ValueError, TypeError, KeyError) as error:
        raise ValueError(
            f'{report}: Expected JSON with a number under "threshold". '
            f"Received: {text[:60]!r}"
        ) from error
    return {"threshold": threshold, "flip": bool(values.get("flip", False))}
