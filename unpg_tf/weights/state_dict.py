"""Weights of a backbone under the names and shapes that PyTorch gives them."""

import numpy as np
from tensorflow import keras

__all__ = ["assign", "from_model", "plain"]

# The names of a layer's weights in Keras and in PyTorch's state dict.
_NAMES = {
    "kernel": "weight",
    "depthwise_kernel": "weight",
    "bias": "bias",
    "gamma": "weight",
    "beta": "bias",
    "moving_mean": "running_mean",
    "moving_variance": "running_var",
    "alpha": "weight",
}
# Those that PyTorch has in the network itself, under their layers' names.
_BARE = ("table", "token")
_COUNTER = "num_batches_tracked"


def plain(tensors):
    """Takes the prefix `module.` off the names of a state dict.

    `torch.nn.DataParallel` and `DistributedDataParallel` put it there.

    Args:
        tensors: dict of names to arrays.

    Returns:
        The dict without the prefix, and without the counters of batches,
        which no computation uses.
    """
    return {
        name.removeprefix("module."): tensor
        for name, tensor in tensors.items()
        if not name.endswith(_COUNTER)
    }


def from_model(model):
    """The state dict of a Keras backbone.

    Args:
        model: a `keras.Model` that `unpg_tf.backbones.iresnet`,
            `mobilefacenet` or `vit` has built.

    Returns:
        A dict of PyTorch's names to arrays of PyTorch's shapes.
    """
    tensors = {}
    for name, weight, axes, shape in _weights(model):
        tensors[name] = weight.numpy().transpose(axes).reshape(shape)
        if name.endswith("running_var"):
            counter = name.replace("running_var", _COUNTER)
            tensors[counter] = np.zeros([], np.int64)
    return tensors


def assign(model, tensors):
    """Gives a Keras backbone the weights of a state dict.

    Args:
        model: a `keras.Model`, as in `from_model`.
        tensors: dict of PyTorch's names to arrays, as `plain` returns.

    Raises:
        ValueError: tensors are missing, extra or of another shape; the
            message lists them all. The model is then as it was.
    """
    weights = {name: found for name, *found in _weights(model)}
    faults = [f"missing: {name}" for name in weights if name not in tensors]
    faults += [f"extra: {name}" for name in tensors if name not in weights]
    for name, (_, _, shape) in weights.items():
        found = np.shape(tensors.get(name, 0))
        if name in tensors and found != shape:
            faults.append(f"shape: {name} {list(found)}, not {list(shape)}")
    if faults:
        lines = "\n".join(f"  {fault}" for fault in faults)
        raise ValueError(
            f"Expected the tensors of {model.name}. Received:\n{lines}"
        )
    for name, (weight, axes, _) in weights.items():
        array = np.asarray(tensors[name])
        array = array.reshape([weight.shape[axis] for axis in axes])
        weight.assign(array.transpose(np.argsort(axes)))


def _weights(model):
    """Of each: name, weight, its axes in PyTorch's order, PyTorch's shape."""
    for layer in model.layers:
        if isinstance(layer, keras.Model):
            yield from _weights(layer)
            continue
        for weight in layer.weights:
            # Keras 2 has `conv1/kernel:0` where Keras 3 has `kernel`.
            kind = weight.name.split("/")[-1].split(":")[0]
            bare = kind in _BARE
            name = layer.name if bare else f"{layer.name}.{_NAMES[kind]}"
            axes = _axes(layer, kind, len(weight.shape))
            shape = tuple(weight.shape[axis] for axis in axes)
            if kind == "alpha":
                shape = shape[-1:]
            if name == "fc.weight":
                shape = shape[0], int(np.prod(shape[1:]))
            yield name, weight, axes, shape


def _axes(layer, kind, rank):
    if isinstance(layer, keras.layers.DepthwiseConv2D):
        return 2, 3, 0, 1
    if kind.endswith("kernel"):
        return (3, 2, 0, 1) if rank == 4 else (1, 0)
    return tuple(range(rank))
