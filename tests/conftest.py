"""What every test gets: quiet, repeatable runs with four replicas at hand."""

import atexit
import gc
import importlib.util
import itertools
import os
import shutil
import tempfile

# Not the user's own: processes that a test starts have it too.
os.environ["UNPG_TF_CACHE"] = tempfile.mkdtemp(prefix="unpg_tf-tests-")
atexit.register(shutil.rmtree, os.environ["UNPG_TF_CACHE"], True)
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import pytest  # noqa: E402
import tensorflow as tf  # noqa: E402
from tensorflow import keras  # noqa: E402

REPLICAS = 4
# Where tests take long, longest first: in parallel the shortest come last.
LONGEST = (
    "tests/cli",
    "tests/distribute",
    "tests/docs",
    "tests/callbacks",
    "tests/models",
    "tests/backbones",
)
# Those with PyTorch have an environment and a target of their own.
collect_ignore = (
    [] if importlib.util.find_spec("torch") else ["weights/torch_test.py"]
)


def _split_cpu():
    """Makes logical devices; before TensorFlow starts, or never."""
    # Expected values are for the CPU, also where a GPU would answer.
    tf.config.set_visible_devices([], "GPU")
    (cpu,) = tf.config.list_physical_devices("CPU")
    tf.config.set_logical_device_configuration(
        cpu, [tf.config.LogicalDeviceConfiguration() for _ in range(REPLICAS)]
    )
    # Parallel test processes share the cores: a pool each would fight.
    if "PYTEST_XDIST_WORKER" in os.environ:
        tf.config.threading.set_intra_op_parallelism_threads(1)


_split_cpu()


def pytest_collection_finish():
    """Has no collection look at what imports have made, which stays."""
    gc.collect()
    gc.freeze()


@pytest.fixture(autouse=True, scope="module")
def _collected():
    """Frees a file's graphs; of all files together that takes minutes."""
    yield
    gc.collect()


def pytest_collection_modifyitems(items):
    """Puts the longest first."""

    def place(item):
        folder = item.path.parent.relative_to(item.config.rootpath).as_posix()
        return LONGEST.index(folder) if folder in LONGEST else len(LONGEST)

    items.sort(key=place)


@pytest.fixture(autouse=True)
def _fresh_start():
    # Keras 3 would collect all garbage too, which took most of a run's time.
    options = {"free_memory": False} if hasattr(keras, "Variable") else {}
    keras.backend.clear_session(**options)
    keras.utils.set_random_seed(1)


class _Mirrored(tf.distribute.MirroredStrategy):
    """One of many strategies of a process, with collectives of its own."""

    _numbers = itertools.count(1)

    def __init__(self, devices):
        # A gather would otherwise join the group of an earlier strategy,
        # which may have had another number of replicas. Read when made.
        self._collective_key_base = 100_000 * next(self._numbers)
        super().__init__(devices)


@pytest.fixture
def strategy_of():
    """A function from a number of replicas to a strategy of that many."""

    def strategy_of(replicas):
        if replicas == 1:
            return tf.distribute.get_strategy()
        devices = [f"CPU:{i}" for i in range(replicas)]
        return _Mirrored(devices)

    return strategy_of
