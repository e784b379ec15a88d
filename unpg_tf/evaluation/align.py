"""The former place of what `unpg_tf.faces` has now."""

from unpg_tf.moved import moved_names as _moved_names

__getattr__ = _moved_names(
    __name__, faces=["TEMPLATE", "align_image", "alignments"]
)
