r"""What a backbone's training step and inference cost, beside PyTorch's.

    pip install "unpg-tf[torch]"
    python benchmarks/backbones.py --backbones=iresnet34,iresnet50

times, in turns in which all take part, on the same weights and images,

    torch      the network of PyTorch's operations, without compilation
    graph      the Keras model in a tf.function
    xla        the same, compiled by XLA

and prints PyTorch's images a second by the quickest turn, and that of the
others in multiples of it. A training step is forward, backward and an update by
SGD with momentum, of the distance to random embeddings. Dropout is off in both.
"""

import os
import sys
import time

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np  # noqa: E402
import tensorflow as tf  # noqa: E402
from absl import app  # noqa: E402
from absl import flags  # noqa: E402
from tensorflow import keras  # noqa: E402

from unpg_tf import backbones  # noqa: E402
from unpg_tf.weights import state_dict  # noqa: E402
from unpg_tf.weights import torch_files  # noqa: E402
from unpg_tf.weights import torch_networks  # noqa: E402

FLAGS = flags.FLAGS
RATE, MOMENTUM, DIM = 1e-4, 0.9, 512
flags.DEFINE_list("backbones", ["iresnet34", "iresnet50"], "As in unpg train.")
flags.DEFINE_integer("image_size", 112, "Height and width, in pixels.", 9)
flags.DEFINE_integer("batch_size", 8, "Images in a call.", lower_bound=1)
flags.DEFINE_integer("turns", 7, "Calls of each.", lower_bound=1)
flags.DEFINE_bool("xla", True, "Time XLA too, which takes long to compile.")


def main(argv):
    """Prints the table; exits with 1 and a message on an error."""
    if len(argv) > 1:
        raise app.UsageError(f"Expected flags only. Received: {argv[1:]}")
    try:
        torch = torch_files.torch_module()
        unknown = set(FLAGS.backbones) - set(torch_networks.ARCHITECTURES)
        if unknown:
            raise ValueError(
                f"Expected {list(torch_networks.ARCHITECTURES)}. "
                f"Received: --backbones={','.join(sorted(unknown))}"
            )
    except (ImportError, ValueError) as error:
        sys.exit(f"backbones.py: {error}")
    torch.set_num_threads(os.cpu_count())
    print(
        f"{FLAGS.image_size} pixels, batches of {FLAGS.batch_size}, "
        f"{os.cpu_count()} cores, TensorFlow {tf.__version__}, PyTorch "
        f"{torch.__version__}\n\n"
        "| backbone | what | PyTorch, images a second | graph | XLA |\n"
        "|---|---|---|---|---|"
    )
    for name in FLAGS.backbones:
        for training in (False, True):
            _print_row(name, training)


def _print_row(name, training):
    size = FLAGS.image_size
    model = backbones.build(name, size, DIM, dropout=0.0)
    shape = (FLAGS.batch_size, size, size, 3)
    images = np.random.default_rng(0).uniform(0, 255, shape).astype("float32")
    forms = {"torch": _torch(name, model, images, training)}
    for form in ["graph", *(["xla"] if FLAGS.xla else [])]:
        make = _training if training else _inference
        forms[form] = make(model, tf.constant(images), form == "xla")
    least = _least(forms)
    cells = [name, "training" if training else "inference"]
    cells += [f"{FLAGS.batch_size / least['torch']:.1f}"]
    cells += [
        f"{least['torch'] / least[form]:.2f}" if form in least else "–"
        for form in ("graph", "xla")
    ]
    print(f"| {' | '.join(cells)} |", flush=True)


def _torch(name, model, images, training):
    """A function that computes a step or embeddings by PyTorch."""
    torch = torch_files.torch_module()
    tensors = state_dict.from_model(model)
    network = torch_networks.Network(name, tensors, training)
    images = torch.tensor(images.transpose(0, 3, 1, 2) / 127.5 - 1)
    if not training:

        @torch.no_grad()
        def infer():
            return network(images).numpy()

        return infer
    optimizer = torch.optim.SGD(network.parameters(), RATE, MOMENTUM)
    targets = torch.tensor(_targets())

    def step():
        optimizer.zero_grad()
        loss = ((network(images) - targets) ** 2).mean()
        loss.backward()
        optimizer.step()
        return loss.item()

    return step


def _inference(model, images, jit_compile):
    @tf.function(jit_compile=jit_compile)
    def infer():
        return model(images, training=False)

    return lambda: infer().numpy()


def _training(model, images, jit_compile):
    optimizer = keras.optimizers.SGD(RATE, MOMENTUM)
    variables = model.trainable_variables
    optimizer.build(variables)
    targets = tf.constant(_targets())

    @tf.function(jit_compile=jit_compile)
    def step():
        with tf.GradientTape() as tape:
            found = model(images, training=True)
            loss = tf.reduce_mean((found - targets) ** 2)
        slopes = tape.gradient(loss, variables)
        optimizer.apply_gradients(zip(slopes, variables, strict=True))
        return loss

    return lambda: step().numpy()


def _targets():
    shape = (FLAGS.batch_size, DIM)
    return np.random.default_rng(1).normal(size=shape).astype("float32")


def _least(forms):
    """Seconds of the quickest turn; the first, which prepares, apart."""
    times = {name: [] for name in forms}
    for turn in range(FLAGS.turns + 1):
        for name, form in forms.items():
            start = time.perf_counter()
            form()
            if turn:
                times[name].append(time.perf_counter() - start)
    return {name: min(seconds) for name, seconds in times.items()}


if __name__ == "__main__":
    app.run(main)
