"""Checks of arguments, and the one wording of what they say."""

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
