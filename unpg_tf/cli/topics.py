"""Flags of a program, grouped by topics for its `--help`."""

import difflib
import math

from absl import flags


class Topic:
    """Defines flags under one heading.

    Args:
        title: string, the heading.
        flag_values: `absl.flags.FlagValues` of the program.

    Example:
        >>> FLAGS = flags.FlagValues()
        >>> loss = Topic("Loss", FLAGS)
        >>> loss.number("scale", 64.0, "Factor of the cosines.")
        >>> FLAGS(["program", "--scale=32"])
        >>> FLAGS.scale
        32.0
    """

    def __init__(self, title, flag_values):
        self._common = {"flag_values": flag_values, "module_name": title}

    def string(self, name, default, text):
        """A string."""
        flags.DEFINE_string(name, default, text, **self._common)

    def integer(self, name, default, text, lower_bound=None):
        """An integer, from `lower_bound` on."""
        flags.DEFINE_integer(name, default, text, lower_bound, **self._common)

    def switch(self, name, default, text):
        """`--name` or `--noname`."""
        flags.DEFINE_bool(name, default, text, **self._common)

    def switch_or(self, name, default, names, text):
        """`--name` or `--noname`, or `--name=` one of some names.

        Args:
            name: string.
            default: bool.
            names: list of strings.
            text: string.
        """
        parser = _SwitchOr(name, names)
        flag = flags.Flag(parser, None, name, default, text, boolean=True)
        flags.DEFINE_flag(flag, **self._common)

    def listed(self, name, default, text):
        """Strings, divided by commas."""
        flags.DEFINE_list(name, default, text, **self._common)

    def repeated(self, name, text):
        """A list of strings, from a flag that may be repeated."""
        flags.DEFINE_multi_string(name, [], text, **self._common)

    def number(
        self,
        name,
        default,
        text,
        lower_bound=None,
        upper_bound=None,
        is_open=False,
        is_infinite=False,
    ):
        """A finite float between bounds.

        Args:
            name: string.
            default: float.
            text: string.
            lower_bound: float; None for no bound.
            upper_bound: float; None for no bound.
            is_open: bool, whether the lower bound itself is refused.
            is_infinite: bool, whether infinity is taken too.
        """
        parser = _Number(lower_bound, upper_bound, is_open, is_infinite)
        serializer = flags.ArgumentSerializer()
        flags.DEFINE(
            parser, name, default, text, serializer=serializer, **self._common
        )

    def choice(self, name, default, names, text, prefix=None):
        """One of some names, in upper or lower case.

        Args:
            name: string.
            default: string.
            names: list of strings.
            text: string.
            prefix: string; values that begin with it are taken as they are.
        """
        parser = _Choice(names, prefix)
        serializer = flags.ArgumentSerializer()
        flags.DEFINE(
            parser, name, default, text, serializer=serializer, **self._common
        )


class _Number(flags.FloatParser):
    """A float that isn't NaN; absl's bounds don't refuse that."""

    def __init__(self, lower_bound, upper_bound, is_open, is_infinite):
        super().__init__(lower_bound, upper_bound)
        self._is_open = is_open
        self._is_infinite = is_infinite
        if is_open:
            self.syntactic_help = f"above {lower_bound}, at most {upper_bound}"

    def is_outside_bounds(self, val):
        too_low = self._is_open and val <= self.lower_bound
        return too_low or super().is_outside_bounds(val)

    def convert(self, argument):
        value = super().convert(argument)
        if math.isnan(value) or (math.isinf(value) and not self._is_infinite):
            raise ValueError("Expected a finite number")
        return value


class _SwitchOr(flags.BooleanParser):
    """A truth value, or one of some names."""

    def __init__(self, name, alternatives):
        super().__init__()
        self._name = name
        self._alternatives = alternatives

    def parse(self, argument):
        if str(argument).lower() in self._alternatives:
            return argument.lower()
        try:
            return super().parse(argument)
        except ValueError:
            others = " or ".join(
                f"--{self._name}={x}" for x in self._alternatives
            )
            raise ValueError(
                f"Expected --{self._name}, --no{self._name} or {others}"
            ) from None


class _Choice(flags.ArgumentParser):
    """One of some names, or what has a prefix."""

    syntactic_help = ""

    def __init__(self, names, prefix):
        self.names = names
        self.prefix = prefix

    def parse(self, argument):
        if self.prefix and argument.lower().startswith(self.prefix):
            return self.prefix + argument[len(self.prefix) :]
        if argument.lower() in self.names:
            return argument.lower()
        known = [*self.names, *([f"{self.prefix}NAME"] if self.prefix else [])]
        near = nearest(argument.lower(), self.names)
        raise ValueError(f"Expected {', '.join(known)}{near}")

    def flag_type(self):
        return "name"


def expect_no(arguments):
    """Raises a ValueError where there are arguments that aren't flags."""
    if arguments:
        raise ValueError(
            f"Expected flags alone. Received: {' '.join(arguments)}"
        )


def require(flag_values, *names):
    """Raises a ValueError for the first of the flags that isn't given."""
    for name in names:
        if flag_values[name].value is None:
            raise ValueError(f"Expected --{name}. Received: none")


def nearest(given, known, prefix=""):
    """A question with the known name that is most like a given one.

    Args:
        given: string.
        known: list of strings.
        prefix: string before the name in the question.

    Returns:
        A string to end a message with; "" where no name is like it.
    """
    found = difflib.get_close_matches(given, known, 1)
    return f". Did you mean {prefix}{found[0]}?" if found else ""
