"""The backbones, computed by PyTorch from their state dicts.

To compare with: an import's proof, and a benchmark's other side.
"""

import functools

import numpy as np

from unpg_tf.backbones.iresnet import BLOCKS
from unpg_tf.backbones.mobilefacenet import STAGES
from unpg_tf.backbones.vit import HEADS
from unpg_tf.backbones.vit import PATCH
from unpg_tf.backbones.vit import SIZES
from unpg_tf.weights.torch_files import torch_module

__all__ = ["ARCHITECTURES", "Network", "embeddings"]


class Network:
    """A network of PyTorch's operations on the tensors of a state dict.

    Args:
        arch: name, one of `ARCHITECTURES`.
        tensors: dict of names to arrays, the state dict.
        training: bool. Whether the tensors are trained, and normalisation
            goes by the batch. Dropout and its like are left out.
    """

    def __init__(self, arch, tensors, training=False):
        torch = torch_module()
        self.functional = torch.nn.functional
        self.training = training
        self.state = {k: torch.tensor(np.array(v)) for k, v in tensors.items()}
        self.forward = ARCHITECTURES[arch]
        if training:
            for tensor in self.parameters():
                tensor.requires_grad_(True)

    def parameters(self):
        """The list of tensors that are trained."""
        other = ("running_mean", "running_var", "num_batches_tracked")
        return [v for k, v in self.state.items() if not k.endswith(other)]

    def __call__(self, images):
        """[n, 3, height, width] scaled tensor -> [n, dim] embeddings."""
        return self.forward(self, images)

    def norm(self, x, name, epsilon=1e-5):
        """Batch normalisation."""
        names = ("running_mean", "running_var", "weight", "bias")
        statistics = (self.state[f"{name}.{n}"] for n in names)
        return self.functional.batch_norm(
            x, *statistics, training=self.training, momentum=0.1, eps=epsilon
        )

    def conv(self, x, name, stride=1, padding=None):
        """A convolution, in as many groups as its kernel's shape says."""
        kernel = self.state[f"{name}.weight"]
        padding = kernel.shape[2] // 2 if padding is None else padding
        return self.functional.conv2d(
            x,
            kernel,
            self.state.get(f"{name}.bias"),
            stride=stride,
            padding=padding,
            groups=x.shape[1] // kernel.shape[1],
        )

    def linear(self, x, name):
        """A linear layer."""
        weight, bias = self.state[f"{name}.weight"], f"{name}.bias"
        return self.functional.linear(x, weight, self.state.get(bias))

    def prelu(self, x, name):
        """PReLU."""
        return self.functional.prelu(x, self.state[f"{name}.weight"])

    def layer_norm(self, x, name):
        """Layer normalisation of the last axis."""
        weight, bias = (self.state[f"{name}.{n}"] for n in ("weight", "bias"))
        return self.functional.layer_norm(x, weight.shape, weight, bias)


def embeddings(arch, tensors, images):
    """What a network answers in inference mode.

    Args:
        arch: name, one of `ARCHITECTURES`.
        tensors: dict of names to arrays, the state dict.
        images: [n, height, width, 3] floats, scaled as the network takes them.

    Returns:
        [n, dim] NumPy array.
    """
    torch = torch_module()
    with torch.no_grad():
        images = np.array(images.transpose(0, 3, 1, 2), np.float32)
        return Network(arch, tensors)(torch.tensor(images)).numpy()


def _iresnet(net, x, depth):
    x = net.prelu(net.norm(net.conv(x, "conv1"), "bn1"), "prelu")
    for stage, blocks in enumerate(BLOCKS[depth], 1):
        for i in range(blocks):
            x = _residual(net, x, f"layer{stage}.{i}", 1 if i else 2)
    x = net.linear(net.norm(x, "bn2").flatten(1), "fc")
    return net.norm(x, "features")


def _residual(net, x, name, stride):
    y = net.conv(net.norm(x, f"{name}.bn1"), f"{name}.conv1")
    y = net.prelu(net.norm(y, f"{name}.bn2"), f"{name}.prelu")
    y = net.norm(net.conv(y, f"{name}.conv2", stride), f"{name}.bn3")
    if stride > 1:
        x = net.conv(x, f"{name}.downsample.0", stride)
        x = net.norm(x, f"{name}.downsample.1")
    return x + y


def _mobilefacenet(net, x):
    x = _active(net, x, "layers.0", 2)
    x = _active(net, x, "layers.1")
    for stage, (*_, count) in enumerate(STAGES):
        x = _bottleneck(net, x, f"layers.{2 + 2 * stage}", 2)
        for i in range(count):
            x = x + _bottleneck(net, x, f"layers.{3 + 2 * stage}.layers.{i}", 1)
    x = _active(net, x, "conv_sep")
    x = net.conv(x, "features.layers.0.layers.0", padding=0)
    x = net.norm(x, "features.layers.0.layers.1").flatten(1)
    return net.norm(net.linear(x, "features.layers.2"), "features.layers.3")


def _active(net, x, name, stride=1):
    x = net.norm(net.conv(x, f"{name}.layers.0", stride), f"{name}.layers.1")
    return net.prelu(x, f"{name}.layers.2")


def _bottleneck(net, x, name, stride):
    x = _active(net, x, f"{name}.layers.0")
    x = _active(net, x, f"{name}.layers.1", stride)
    x = net.conv(x, f"{name}.layers.2.layers.0")
    return net.norm(x, f"{name}.layers.2.layers.1")


def _vit(net, x, depth):
    x = net.conv(x, "patch_embed.proj", PATCH, padding=0)
    x = x.flatten(2).transpose(1, 2) + net.state["pos_embed"]
    for i in range(depth):
        x = x + _attention(net, x, f"blocks.{i}")
        y = net.linear(
            net.layer_norm(x, f"blocks.{i}.norm2"), f"blocks.{i}.mlp.fc1"
        )
        x = x + net.linear(net.functional.relu6(y), f"blocks.{i}.mlp.fc2")
    x = net.linear(net.layer_norm(x, "norm").flatten(1), "feature.0")
    x = net.linear(net.norm(x, "feature.1", 2e-5), "feature.2")
    return net.norm(x, "feature.3", 2e-5)


def _attention(net, x, name):
    batch, tokens, channels = x.shape
    x = net.linear(net.layer_norm(x, f"{name}.norm1"), f"{name}.attn.qkv")
    x = x.reshape(batch, tokens, 3, HEADS, -1)
    x = net.functional.scaled_dot_product_attention(*x.permute(2, 0, 3, 1, 4))
    x = x.transpose(1, 2).reshape(batch, tokens, channels)
    return net.linear(x, f"{name}.attn.proj")


ARCHITECTURES = {
    **{f"iresnet{x}": functools.partial(_iresnet, depth=x) for x in BLOCKS},
    "mobilefacenet": _mobilefacenet,
    **{
        f"vit_{size}": functools.partial(_vit, depth=depth)
        for size, (_, depth) in SIZES.items()
    },
}
