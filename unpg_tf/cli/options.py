"""Values of flags of NAME=VALUE."""

import json


def parsed_options(options):
    """The values of a flag of NAME=VALUE that may be repeated.

    Args:
        options: list of strings, such as "momentum=0.8".

    Returns:
        A dict of names to numbers, truth values or null as JSON has them, or
        else to strings.

    Example:
        >>> parsed_options(["m1=1", "kind=arcface"])
        {'m1': 1, 'kind': 'arcface'}
    """
    arguments = {}
    for option in options:
        name, _, value = option.partition("=")
        try:
            arguments[name] = json.loads(value)
        except json.JSONDecodeError:
            arguments[name] = value
    return arguments
