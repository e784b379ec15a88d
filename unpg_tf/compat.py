"""What differs between installations, and matters here."""

import platform

import tensorflow as tf
from tensorflow import keras

# The generation of Keras.
IS_KERAS_3 = hasattr(keras, "Variable")

# Whether a function may ask for XLA. Apple's GPUs have no compiler for it.
HAS_XLA = tf.test.is_built_with_xla() and platform.system() != "Darwin"


def tf_variable(variable):
    """The `tf.Variable` of a Keras variable, which Keras 3 wraps."""
    is_wrapped = IS_KERAS_3 and isinstance(variable, keras.Variable)
    return variable.value if is_wrapped else variable


def loss_scale(optimizer):
    """The loss scale of a half-precision optimizer, else None."""
    if getattr(optimizer, "inner_optimizer", None) is None:
        return None
    if not IS_KERAS_3:
        scale = optimizer.loss_scale
    elif optimizer.built:
        scale = optimizer.dynamic_scale
    else:
        scale = optimizer.initial_scale
    return float(tf.convert_to_tensor(scale))
