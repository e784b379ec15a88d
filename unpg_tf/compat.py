"""The one difference between the generations of Keras that matters here."""

from tensorflow import keras

IS_KERAS_3 = hasattr(keras, "Variable")
