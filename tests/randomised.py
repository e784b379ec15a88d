"""Random weights under which a deep network still tells its inputs apart."""

import numpy as np
from tensorflow import keras


def randomise(model, seed=0):
    """Gives every weight of a model a value that depends on the seed.

    Kernels keep the size of what they convolve, normalisation keeps close to
    doing nothing: what differs at the start is there at the end.

    Returns:
        The model.
    """
    rng = np.random.default_rng(seed)
    for layer in model.layers:
        if isinstance(layer, keras.Model):
            randomise(layer, rng.integers(1 << 30))
            continue
        depthwise = isinstance(layer, keras.layers.DepthwiseConv2D)
        for weight in layer.weights:
            weight.assign(_values(rng, weight.name, weight.shape, depthwise))
    return model


def _values(rng, name, shape, depthwise):
    if "alpha" in name:
        return rng.uniform(0.2, 0.8, shape)
    if "gamma" in name or "variance" in name:
        return rng.uniform(0.8, 1.4, shape)
    if "kernel" not in name:
        return rng.normal(0.0, 0.2, shape)
    inputs = np.prod(shape[:2] if depthwise else shape[:-1])
    return rng.normal(0.0, inputs**-0.5, shape)
