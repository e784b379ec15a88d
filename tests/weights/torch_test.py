"""Tests of import and export with PyTorch: `make test-torch`."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from tensorflow import keras

from tests.randomised import randomise
from unpg_tf import backbones
from unpg_tf import weights
from unpg_tf.backbones import iresnet
from unpg_tf.weights import import_torch

SIZE, DIM = 32, 6
ROOT = Path(__file__).absolute().parents[2]


@pytest.fixture
def tensors():
    model = iresnet(18, SIZE, DIM)
    rng = np.random.default_rng(0)
    for weight in model.weights:
        if len(weight.shape) < 4:
            weight.assign(rng.uniform(0.1, 1, weight.shape))
    return weights.to_state_dict(model)


def run(tool, **options):
    options = [f"--{name}={value}" for name, value in options.items()]
    return subprocess.run(
        [sys.executable, "-m", "unpg_tf", tool, *options],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )


def test_a_checkpoint_goes_to_keras_and_back(tensors, tmp_path):
    prefixed = {f"module.{name}": value for name, value in tensors.items()}
    weights.write_checkpoint(prefixed, tmp_path / "backbone.pth")
    done = run(
        "import-weights",
        checkpoint=tmp_path / "backbone.pth",
        arch="iresnet18",
        output=tmp_path / "model.keras",
        image_size=SIZE,
    )
    assert done.returncode == 0, done.stderr
    assert "differs from PyTorch by" in done.stdout
    done = run(
        "export-weights",
        model=tmp_path / "model.keras",
        output=tmp_path / "back.pth",
    )
    assert done.returncode == 0, done.stderr
    back = torch.load(tmp_path / "back.pth", weights_only=True)
    assert back.keys() == tensors.keys()
    for name, tensor in tensors.items():
        np.testing.assert_array_equal(back[name], tensor)
    names = {path.name for path in tmp_path.iterdir()}
    assert names == {"backbone.pth", "model.keras", "back.pth"}


@pytest.mark.parametrize("scaling", import_torch.SCALINGS)
def test_both_networks_agree(tensors, scaling):
    model, error = weights.from_state_dict(tensors, "iresnet18", SIZE, scaling)
    assert error < 1e-4
    # And notice where they don't.
    layer = model.get_layer("layer3.0.bn2")
    layer.set_weights([1.1 * weight for weight in layer.get_weights()])
    scaling = import_torch.SCALINGS[scaling]
    assert import_torch.difference(model, tensors, "iresnet18", scaling) > 1e-3


@pytest.mark.parametrize(
    ("arch", "kind"),
    [
        ("mobilefacenet", {"recompute": True}),
        # A margin of 4 pixels, which no patch holds.
        ("vit_t", {}),
        ("vit_t", {"recompute": True}),
    ],
)
def test_other_networks_go_there_and_back(arch, kind):
    model = randomise(backbones.build(arch, 31, DIM, **kind))
    tensors = weights.to_state_dict(model)
    back, error = weights.from_state_dict(tensors, arch, 31)
    assert error < 1e-4
    images = np.random.default_rng(0).uniform(0, 255, (2, 31, 31, 3))
    np.testing.assert_allclose(back(images), model(images), rtol=1e-4)
    tensors["mask"] = tensors.pop(next(iter(tensors)))
    with pytest.raises(ValueError, match="missing: .*\n  extra: mask"):
        weights.from_state_dict(tensors, arch, 31)


def test_a_pickled_module_is_refused_with_the_way_out(tmp_path):
    path = tmp_path / "unpg.pt"
    module = torch.nn.DataParallel(torch.nn.Linear(2, 3))
    torch.save({"backbone": module}, path)
    output = tmp_path / "model.keras"
    done = run(
        "import-weights", checkpoint=path, arch="iresnet18", output=output
    )
    assert done.returncode == 1 and "Traceback" not in done.stderr
    assert not output.exists()
    # The two lines do what they promise.
    lines = [line.strip() for line in done.stderr.splitlines()[-2:]]
    program = "\n".join(["import torch", *lines])
    subprocess.run([sys.executable, "-c", program], cwd=tmp_path, check=True)
    state = weights.read_checkpoint(tmp_path / "backbone.pth")
    assert {name: value.shape for name, value in state.items()} == {
        "weight": (3, 2),
        "bias": (3,),
    }


@pytest.mark.parametrize("content", [b"", b"no checkpoint", b"PK\3\4 cut"])
def test_what_is_no_checkpoint_is_refused(content, tmp_path):
    path = tmp_path / "broken.pth"
    path.write_bytes(content)
    with pytest.raises(ValueError, match="Expected a file.*broken.pth"):
        weights.read_checkpoint(str(path))


def test_half_precision_and_nested_state_dicts_are_read(tmp_path):
    state = {"weight": torch.tensor([1.5], dtype=torch.bfloat16)}
    torch.save({"state_dict": state, "epoch": 3}, tmp_path / "a.pth")
    found = weights.read_checkpoint(tmp_path / "a.pth")
    assert found["weight"].dtype == np.float32 and found["weight"] == [1.5]


def test_an_export_of_another_network_is_refused():
    images = keras.Input((8, 8, 3))
    model = keras.Model(images, keras.layers.Flatten()(images), name="other")
    with pytest.raises(ValueError, match="Expected a backbone.*other"):
        weights.to_state_dict(model)
