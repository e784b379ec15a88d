"""Flags of NAME=VALUE."""

import json

from absl import flags

FLAGS = flags.FLAGS


def parsed_options(flag):
    """The values of a flag of NAME=VALUE: numbers, or else strings."""
    arguments = {}
    for option in FLAGS[flag].value:
        name, _, value = option.partition("=")
        try:
            arguments[name] = json.loads(value)
        except json.JSONDecodeError:
            arguments[name] = value
    return arguments
