"""The former name of `unpg_tf.serving`."""

from unpg_tf.moved import moved_names as _moved_names

__getattr__ = _moved_names(
    __name__, serving=["Server", "read_settings", "save"]
)
