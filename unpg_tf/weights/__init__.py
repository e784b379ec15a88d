"""Weights from and for other frameworks."""

from unpg_tf.weights.export_torch import to_state_dict
from unpg_tf.weights.import_torch import from_state_dict
from unpg_tf.weights.torch_files import read_checkpoint
from unpg_tf.weights.torch_files import write_checkpoint

__all__ = [
    "from_state_dict",
    "read_checkpoint",
    "to_state_dict",
    "write_checkpoint",
]
