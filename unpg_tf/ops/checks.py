"""Checks of arguments, and the one wording of what they say."""

import math
import numbers

import tensorflow as tf


def expect(condition, expected, **received):
    """Raises a `ValueError` unless `condition` holds.

    Args:
        condition: bool. What must be true.
        expected: string. What was expected, as the end of "Expected …".
        **received: The one or more arguments at fault, by their names.

    Raises:
        ValueError: "Expected {expected}. Received: {name}={value}".

    Example:

    >>> expect(margin >= 0, "a margin of at least 0 radians", margin=margin)
    """
    if not condition:
        values = ", ".join(f"{name}={v!r}" for name, v in received.items())
        raise ValueError(f"Expected {expected}. Received: {values}")


def expect_numbers(**arguments):
    """Raises a `ValueError` unless every argument is a finite number.

    Args:
        **arguments: The arguments, by their names.

    Raises:
        ValueError: "Expected {name}, a finite number. Received: …", for the
            first that isn't.
    """
    for name, value in arguments.items():
        expect(_is_number(value), f"{name}, a finite number", **{name: value})


def expect_counts(**arguments):
    """Raises a `ValueError` unless every argument is an integer above 0.

    Args:
        **arguments: The arguments, by their names; 8.0 counts as 8.

    Raises:
        ValueError: "Expected {name} above 0, an integer. Received: …", for
            the first that isn't.
    """
    for name, value in arguments.items():
        expect(
            _is_number(value) and value > 0 and int(value) == value,
            f"{name} above 0, an integer",
            **{name: value},
        )


def expect_shares(**arguments):
    """Raises a `ValueError` unless every argument is a part of a whole.

    Args:
        **arguments: The arguments, by their names.

    Raises:
        ValueError: "Expected {name} above 0, at most 1. Received: …", for the
            first that isn't.
    """
    for name, value in arguments.items():
        expect(
            _is_number(value) and 0 < value <= 1,
            f"{name} above 0, at most 1",
            **{name: value},
        )


def _is_number(value):
    is_real = isinstance(value, numbers.Real) and not isinstance(value, bool)
    return is_real and math.isfinite(value)


def in_single_precision(tensor):
    """Casts half precision to float32; wider floats stay as they are.

    Under `mixed_float16` a cosine has three digits, which a scale of 64 turns
    into an error of 0.06 in the logit. Margins, the noise filter and the
    softmax are therefore computed in float32 or wider.

    Args:
        tensor: float tensor of any shape.

    Returns:
        A float32 or float64 tensor of the same shape.
    """
    tensor = tf.convert_to_tensor(tensor)
    return tensor if tensor.dtype.size >= 4 else tf.cast(tensor, tf.float32)
