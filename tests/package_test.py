"""The package as a whole: its version, its imports, its layers."""

import ast
import configparser
import importlib
import operator
import subprocess
import sys
from pathlib import Path

import pytest

import unpg_tf

ROOT = Path(__file__).absolute().parents[1]
PACKAGE = ROOT / "unpg_tf"
# Bottom up: each may import those before it.
LAYERS = (
    "version",
    "compat",
    "files",
    "json_files",
    "npz_files",
    "progress",
    "moved",
    "export",
    "ops",
    "metrics",
    "distribute",
    "layers",
    "losses",
    "optimizers",
    "backbones",
    "data",
    "faces",
    "models",
    "evaluation",
    "serving",
    "weights",
    "callbacks",
    "model_garden",
    "cli",
    "__main__",
)
# Those that `import unpg_tf` imports.
OFFERED = sorted({*unpg_tf.__all__} - {"__version__"})


def _imported(path):
    """Names of the modules that a file imports, at its top or deeper."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def _layer(module):
    """`unpg_tf.ops.unit` -> "ops"; None for what is not the package's."""
    top, _, rest = module.partition(".")
    return rest.partition(".")[0] if top == "unpg_tf" else None


def test_every_module_has_its_layer():
    modules = {path.stem for path in PACKAGE.glob("*.py")} - {"__init__"}
    folders = {path.parent.name for path in PACKAGE.glob("*/*.py")}
    assert modules | folders == set(LAYERS)
    for path in PACKAGE.rglob("*/*.py"):
        assert path.with_name("__init__.py").is_file()


@pytest.mark.parametrize("layer", LAYERS)
def test_a_layer_imports_lower_ones_only(layer):
    allowed = {*LAYERS[: LAYERS.index(layer) + 1], None}
    files = [*PACKAGE.glob(f"{layer}.py"), *PACKAGE.glob(f"{layer}/**/*.py")]
    assert files
    for path in files:
        for module in _imported(path):
            assert _layer(module) in allowed, f"{path} imports {module}"


def test_package_never_imports_programs_or_tests():
    for path in PACKAGE.rglob("*.py"):
        tops = {module.partition(".")[0] for module in _imported(path)}
        assert not tops & {"examples", "benchmarks", "tests"}, path


def test_import_adds_nothing_to_what_tensorflow_imports():
    # Every module of the package, in a process of its own: this one has more.
    # `unpg_tf.model_garden` is asked for by name, and needs its extra.
    program = """
import logging, os, sys, warnings
import numpy, tensorflow
from tensorflow import keras
keras.Model
own = logging.getLogger("unpg_tf")
def state():
    handlers = [*logging.root.handlers]
    return handlers, warnings.showwarning, sys.stderr, os.fstat(2)[:3]
before = state()
known = {name.partition(".")[0] for name in sys.modules}
import pathlib
import unpg_tf
for path in pathlib.Path("unpg_tf").rglob("*.py"):
    if path.parent.name not in ("model_garden", "unpg_tf"):
        __import__(".".join(path.with_suffix("").parts))
# Logging is the program's that imports it.
assert state() == before
assert own.propagate and not own.handlers and not own.level
added = {name.partition(".")[0] for name in sys.modules} - known
print(*sorted(added - set(sys.stdlib_module_names)))
"""
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    # absl comes with Keras 3, and with TensorFlow.
    assert {*done.stdout.split()} - {"absl"} == {"unpg_tf"}


@pytest.mark.parametrize("name", OFFERED)
def test_a_sub_package_offers_public_names_alone(name):
    package = getattr(unpg_tf, name)
    own = {n for n in dir(package) if not n.startswith("_")}
    modules = {path.stem for path in Path(package.__file__).parent.glob("*.py")}
    assert own - modules <= {*package.__all__} <= own
    assert package.__doc__


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("evaluation.VerificationCallback", "callbacks.VerificationCallback"),
        ("evaluation.tar_at_far", "metrics.tar_at_far"),
        ("evaluation.align.alignments", "faces.alignments"),
        ("models.WarmUp", "optimizers.WarmUp"),
        ("export.save", "serving.save"),
    ],
)
def test_a_name_that_has_moved_works_and_says_where_it_is(old, new):
    importlib.import_module("unpg_tf.evaluation.align")
    with pytest.warns(FutureWarning, match=new.replace(".", r"\.")):
        found = operator.attrgetter(old)(unpg_tf)
    assert found is operator.attrgetter(new)(unpg_tf)


def test_a_name_that_is_nowhere_is_an_attribute_error():
    for package in (unpg_tf, unpg_tf.evaluation, unpg_tf.models):
        with pytest.raises(AttributeError, match="nonsense"):
            package.nonsense  # noqa: B018


def test_version_is_stated_once():
    config = configparser.ConfigParser()
    config.read(ROOT / "setup.cfg")
    declared = config["metadata"]["version"]
    assert declared == "attr: unpg_tf.version.__version__"
    assert unpg_tf.__version__ == unpg_tf.version.__version__
    assert f"## [{unpg_tf.__version__}]" in (ROOT / "CHANGELOG.md").read_text()
