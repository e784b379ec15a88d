"""Functions that XLA compiles, also in a step that it doesn't."""

import functools

import tensorflow as tf

from unpg_tf import compat


@functools.cache
def compiled(function, *shapes):
    """A function of tensors of these shapes, compiled where XLA is.

    One for each static shape: a `tf.function` would rather take one that it
    has traced for an unknown shape.

    Args:
        function: Of tensors to tensors, the same object each time.
        *shapes: Static shapes, as tuples.

    Returns:
        A `tf.function`.
    """
    del shapes
    return tf.function(function, jit_compile=compat.HAS_XLA, autograph=False)
