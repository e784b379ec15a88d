"""Tests of state dicts, on arrays; PyTorch itself is in torch_test.py."""

import numpy as np
import pytest

from unpg_tf.backbones import iresnet
from unpg_tf.weights import state_dict

# The last map is 2 by 2, so that the order of flattening matters.
SIZE, DIM = 32, 6


def randomise(model, seed):
    rng = np.random.default_rng(seed)
    for weight in model.weights:
        weight.assign(rng.uniform(0.1, 1, weight.shape))


@pytest.fixture
def model():
    model = iresnet(18, SIZE, DIM)
    randomise(model, 0)
    return model


def test_tensors_are_in_the_layout_of_pytorch(model):
    tensors = state_dict.from_model(model)
    assert tensors["conv1.weight"].shape == (64, 3, 3, 3)
    assert tensors["layer1.0.prelu.weight"].shape == (64,)
    assert tensors["fc.weight"].shape == (DIM, 512 * 2 * 2)
    kernel = model.get_layer("conv1").weights[0].numpy()
    assert tensors["conv1.weight"][5, 1, 2, 0] == kernel[2, 0, 1, 5]
    kernel = model.get_layer("fc").weights[0].numpy()
    flat = (7 * 2 + 1) * 2 + 0  # channel 7, row 1, column 0
    assert tensors["fc.weight"][3, flat] == kernel[1, 0, 7, 3]


def test_weights_go_there_and_back(model):
    other = iresnet(18, SIZE, DIM)
    randomise(other, 1)
    tensors = state_dict.from_model(model)
    prefixed = {f"module.{name}": value for name, value in tensors.items()}
    state_dict.assign(other, state_dict.plain(prefixed))
    for found, expected in zip(other.weights, model.weights, strict=True):
        np.testing.assert_array_equal(found, expected)


def test_all_faults_are_listed_and_nothing_is_changed(model):
    before = [weight.numpy() for weight in model.weights]
    tensors = state_dict.plain(state_dict.from_model(model))
    tensors = {name: 0 * value for name, value in tensors.items()}
    del tensors["bn1.bias"], tensors["layer2.0.conv1.weight"]
    tensors["head.weight"] = np.zeros([2])
    tensors["fc.bias"] = np.zeros([7])
    with pytest.raises(ValueError, match="tensors of iresnet18") as error:
        state_dict.assign(model, tensors)
    assert str(error.value).splitlines()[1:] == [
        "  missing: bn1.bias",
        "  missing: layer2.0.conv1.weight",
        "  extra: head.weight",
        "  shape: fc.bias [7], not [6]",
    ]
    for found, expected in zip(model.weights, before, strict=True):
        np.testing.assert_array_equal(found, expected)
