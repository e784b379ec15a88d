"""JSON from files, which may hold anything: one reader for all of it."""

import json
import math
from pathlib import Path

_SHOWN = 60


def read_object(path):
    """Reads a file that holds one JSON object.

    Args:
        path: the file.

    Returns:
        A dictionary.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: it is no JSON object in UTF-8; or has a number that no
            float holds, a name twice, or brackets nested too deep.
    """
    return parsed_object(Path(path).read_bytes(), path)


def parsed_object(content, where):
    """Parses what should be one JSON object.

    Args:
        content: string or bytes.
        where: the file, for messages.

    Returns:
        A dictionary.

    Raises:
        ValueError: as in `read_object`.

    Example:
        >>> parsed_object('{"threshold": 0.3}', "report.json")
        {'threshold': 0.3}
    """
    try:
        values = json.loads(
            content,
            object_pairs_hook=_without_repeats,
            parse_constant=_refuse,
            parse_float=_finite,
        )
    except (RecursionError, ValueError) as error:
        raise ValueError(
            f"{where}: Expected a JSON object. Received: {_reason(error)}"
        ) from error
    if not isinstance(values, dict):
        raise ValueError(
            f"{where}: Expected a JSON object. Received: {_short(values)}"
        )
    return values


def number(value, what, where, low=-math.inf, high=math.inf):
    """A number from JSON, as a float.

    Args:
        value: anything that JSON holds.
        what: string, its name, for messages.
        where: the file, for messages.
        low: float, the least that is taken.
        high: float, the greatest that is taken.

    Raises:
        ValueError: it is no number, or out of range.
    """
    is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
    if not is_number or not low <= value <= high:
        bounds = "" if high == math.inf else f" in [{low:g}, {high:g}]"
        raise ValueError(
            f"{where}: Expected a number{bounds} under {what}. "
            f"Received: {_short(value)}"
        )
    return float(value)


def _without_repeats(pairs):
    values = dict(pairs)
    if len(values) != len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise ValueError(f"{_short(twice)} twice")
    return values


def _refuse(constant):
    raise ValueError(f"{constant}, which is no number")


def _finite(text):
    value = float(text)
    if math.isinf(value):
        raise ValueError(f"a number beyond all floats: {_short(text)}")
    return value


def _reason(error):
    deep = isinstance(error, RecursionError)
    return "brackets nested too deep" if deep else str(error)[:200]


def _short(value):
    text = repr(value)
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]} …"
