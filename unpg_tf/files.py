"""Files that are either whole or not there."""

from unpg_tf.files import replaced

__all__ = ["replaced"]
