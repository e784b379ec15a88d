"""PyTorch's files, and an IResNet computed by PyTorch."""

import pickle

import numpy as np

from unpg_tf.backbones.iresnet import BLOCKS

__all__ = ["embeddings", "load", "save"]

_REFUSED = """\
Expected a file that holds tensors alone. Received: {path}: {error}
If it is a pickled module, and you trust who made it (loading it runs code), \
these lines of Python, after `import torch`, make a state dict of it:
  m = torch.load({path!r}, weights_only=False, map_location="cpu")["backbone"]
  torch.save(getattr(m, "module", m).state_dict(), "backbone.pth")"""


def load(path):
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
    torch = _torch()
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


def save(tensors, path):
    """Writes a state dict, a dict of names to NumPy arrays."""
    torch = _torch()
    state = {k: torch.tensor(np.array(v)) for k, v in tensors.items()}
    torch.save(state, path)


def embeddings(tensors, images, depth):
    """What an IResNet of PyTorch's operations answers, in inference mode.

    Args:
        tensors: dict, the state dict.
        images: [n, height, width, 3] floats, scaled as the network takes them.
        depth: 18, 34, 50, 100 or 200.

    Returns:
        [n, dim] NumPy array.
    """
    torch = _torch()
    functional = torch.nn.functional
    state = {k: torch.tensor(np.array(v)) for k, v in tensors.items()}

    def norm(x, name):
        names = ("running_mean", "running_var", "weight", "bias")
        return functional.batch_norm(x, *(state[f"{name}.{n}"] for n in names))

    def conv(x, name, stride=1):
        kernel = state[f"{name}.weight"]
        padding = kernel.shape[2] // 2
        return functional.conv2d(x, kernel, stride=stride, padding=padding)

    def block(x, name, stride):
        y = norm(conv(norm(x, f"{name}.bn1"), f"{name}.conv1"), f"{name}.bn2")
        y = functional.prelu(y, state[f"{name}.prelu.weight"])
        y = norm(conv(y, f"{name}.conv2", stride), f"{name}.bn3")
        if stride > 1:
            x = conv(x, f"{name}.downsample.0", stride)
            x = norm(x, f"{name}.downsample.1")
        return x + y

    with torch.no_grad():
        x = torch.tensor(np.array(images.transpose(0, 3, 1, 2), np.float32))
        x = norm(conv(x, "conv1"), "bn1")
        x = functional.prelu(x, state["prelu.weight"])
        for stage, blocks in enumerate(BLOCKS[depth], 1):
            for i in range(blocks):
                x = block(x, f"layer{stage}.{i}", 1 if i else 2)
        x = norm(x, "bn2").flatten(1)
        x = functional.linear(x, state["fc.weight"], state["fc.bias"])
        return norm(x, "features").numpy()


def _array(tensor):
    # Checkpoints in half precision too: bfloat16 has no counterpart in NumPy.
    tensor = tensor.float() if tensor.is_floating_point() else tensor
    return tensor.numpy()


def _torch():
    try:
        import torch
    except ImportError as error:
        raise ImportError(
            "PyTorch's files need PyTorch: pip install unpg-tf[torch]"
        ) from error
    return torch
