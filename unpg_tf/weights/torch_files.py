"""PyTorch's files."""

import pickle

import numpy as np

_REFUSED = """\
Expected a file that holds tensors alone. Received: {path}: {error}
If it is a pickled module, and you trust who made it (loading it runs code), \
these lines of Python, after `import torch`, make a state dict of it:
  m = torch.load({path!r}, weights_only=False, map_location="cpu")["backbone"]
  torch.save(getattr(m, "module", m).state_dict(), "backbone.pth")"""


def read_checkpoint(path):
    """Reads a state dict, without running anything that the file may hold.

    Args:
        path: string, a file that `torch.save` has written. The state dict
            may be the entry `state_dict` or `backbone` of another dict.

    Returns:
        A dict of names to NumPy arrays.

    Raises:
        ImportError: PyTorch isn't installed.
        FileNotFoundError: there is no such file.
        ValueError: the file holds something else, such as a pickled module.
    """
    torch = torch_module()
    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
    except (pickle.UnpicklingError, RuntimeError, EOFError) as error:
        first = str(error).split("\n")[0]
        raise ValueError(_REFUSED.format(path=path, error=first)) from error
    for key in ("state_dict", "backbone"):
        if isinstance(state, dict) and isinstance(state.get(key), dict):
            state = state[key]
    if not isinstance(state, dict) or not all(
        isinstance(value, torch.Tensor) for value in state.values()
    ):
        kind = "other values" if isinstance(state, dict) else type(state)
        raise ValueError(
            f"Expected a dict of tensors. Received: {path} with {kind}"
        )
    return {name: _array(tensor) for name, tensor in state.items()}


def write_checkpoint(tensors, path):
    """Writes a state dict, a dict of names to NumPy arrays."""
    torch = torch_module()
    state = {k: torch.tensor(np.array(v)) for k, v in tensors.items()}
    torch.save(state, path)


def _array(tensor):
    # Checkpoints in half precision too: bfloat16 has no counterpart in NumPy.
    tensor = tensor.float() if tensor.is_floating_point() else tensor
    return tensor.numpy()


def torch_module():
    """PyTorch, or an `ImportError` that says how to get it."""
    try:
        import torch
    except ImportError as error:
        raise ImportError(
            'Expected PyTorch: pip install "unpg-tf[torch]"'
        ) from error
    return torch
