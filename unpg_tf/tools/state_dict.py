"""Weights of an IResNet under the names and shapes that PyTorch gives them."""

import numpy as np

__all__ = ["assign", "from_model", "plain"]

# The names of a layer's weights in Keras and in PyTorch's state dict.
_NAMES = {
    "kernel": "weight",
    "bias": "bias",
    "gamma": "weight",
    "beta": "bias",
    "moving_mean": "running_mean",
    "moving_variance": "running_var",
    "alpha": "weight",
}
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
    """The state dict of a Keras IResNet.

    Args:
        model: a `keras.Model` that `unpg_tf.backbones.iresnet` has built.

    Returns:
        A dict of PyTorch's names to arrays of PyTorch's shapes.
    """
    tensors = {}
    for name, weight in _weights(model):
        array = weight.numpy()
        if array.ndim == 4:
            array = array.transpose(3, 2, 0, 1)
        tensors[name] = array.reshape(_shape(name, weight))
        if name.endswith("running_var"):
            counter = name.replace("running_var", _COUNTER)
            tensors[counter] = np.zeros([], np.int64)
    return tensors


def assign(model, tensors):
    """Gives a Keras IResNet the weights of a state dict.

    Args:
        model: a `keras.Model` that `unpg_tf.backbones.iresnet` has built.
        tensors: dict of PyTorch's names to arrays, as `plain` returns.

    Raises:
        ValueError: tensors are missing, extra or of another shape; the
            message lists them all. The model is then as it was.
    """
    weights = dict(_weights(model))
    faults = [f"missing: {name}" for name in weights if name not in tensors]
    faults += [f"extra: {name}" for name in tensors if name not in weights]
    for name, weight in weights.items():
        shape, found = _shape(name, weight), np.shape(tensors.get(name, 0))
        if name in tensors and found != shape:
            faults.append(f"shape: {name} {list(found)}, not {list(shape)}")
    if faults:
        lines = "\n".join(f"  {fault}" for fault in faults)
        raise ValueError(
            f"Expected the tensors of {model.name}. Received:\n{lines}"
        )
    for name, weight in weights.items():
        array = np.asarray(tensors[name])
        if len(weight.shape) == 4:
            height, width, channels, filters = weight.shape
            array = array.reshape(filters, channels, height, width)
            array = array.transpose(2, 3, 1, 0)
        weight.assign(array.reshape(weight.shape))


def _weights(model):
    for layer in model.layers:
        for weight in layer.weights:
            # Keras 2 has `conv1/kernel:0` where Keras 3 has `kernel`.
            kind = weight.name.split("/")[-1].split(":")[0]
            yield f"{layer.name}.{_NAMES[kind]}", weight


def _shape(name, weight):
    if len(weight.shape) < 4:
        return tuple(weight.shape[-1:])
    height, width, channels, filters = weight.shape
    if name == "fc.weight":
        return filters, channels * height * width
    return filters, channels, height, width
