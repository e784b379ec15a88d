"""The BUILD files: each source is in a target, with what it imports.

Bazel itself is not needed: BUILD files are read as the Python that they are.
"""

import ast
import functools
from pathlib import Path
from typing import NamedTuple

import pytest

ROOT = Path(__file__).absolute().parents[1]
FOLDERS = ("unpg_tf", "tests", "examples", "benchmarks")
PACKAGES = sorted(
    str(path.parent.relative_to(ROOT))
    for folder in FOLDERS
    for path in ROOT.glob(f"{folder}/**/BUILD")
)
# What PyPI calls these modules; the others that tests need, all of them get.
PYPI = {"absl": "absl_py", "numpy": "numpy", "tensorflow": "tensorflow"}


class Target(NamedTuple):
    """A target that holds Python.

    Attributes:
        sources: set of paths from the root.
        deps: set of full labels.
    """

    sources: set
    deps: set


def targets_of(package):
    """The targets of a BUILD file, by their full labels."""
    found, folder = {}, ROOT / package

    def label(name):
        if name.startswith("@"):
            return name
        where, _, target = name.partition(":")
        where = where.removeprefix("//") or package
        return f"//{where}:{target or Path(where).name}"

    def rule(name, srcs=(), deps=(), **_):
        sources = {f"{package}/{source}" for source in srcs}
        found[label(f":{name}")] = Target(sources, {*map(label, deps)})

    def test(name, deps, **_):
        rule(name, [f"{name}.py"], [*deps, "//tests:conftest"])

    def glob(patterns):
        paths = [path for each in patterns for path in folder.glob(each)]
        return [path.relative_to(folder).as_posix() for path in paths]

    rules = dict.fromkeys(("py_library", "py_binary"), rule)
    others = ("load", "package", "exports_files", "filegroup")
    ignored = dict.fromkeys(others, lambda *_, **__: None)
    names = {**rules, **ignored, "unpg_test": test, "glob": glob}
    exec((folder / "BUILD").read_text(), names)
    return found


@functools.cache
def all_targets():
    return {
        k: v for package in PACKAGES for k, v in targets_of(package).items()
    }


@functools.cache
def owners():
    """The labels of the libraries that a file is in, by its path."""
    found = {}
    for label, target in all_targets().items():
        for source in target.sources:
            found.setdefault(source, set()).add(label)
    return found


def imported(source):
    """Files of the repository, and labels of packages, that a file imports."""
    for node in ast.walk(ast.parse((ROOT / source).read_text())):
        names = []
        if isinstance(node, ast.Import):
            names = [(alias.name, None) for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            names = [(node.module, alias.name) for alias in node.names]
        for module, name in names:
            top = module.partition(".")[0]
            if top in PYPI:
                yield f"@pypi//{PYPI[top]}"
            elif top in FOLDERS:
                yield file_of(module, name)


def file_of(module, name):
    """The file that `from module import name` reads, or the package's."""
    path = module.replace(".", "/")
    for file in (f"{path}/{name}.py", f"{path}/{name}/__init__.py"):
        if (ROOT / file).is_file():
            return file
    return next(
        file
        for file in (f"{path}.py", f"{path}/__init__.py")
        if (ROOT / file).is_file()
    )


def test_every_file_is_in_a_target():
    files = {
        path.relative_to(ROOT).as_posix()
        for folder in FOLDERS
        for path in ROOT.glob(f"{folder}/**/*.py")
    }
    assert files - {"tests/run_pytest.py"} == {*owners()}


def closure(label):
    """A target and all that it depends on."""
    found, left = set(), [label]
    while left:
        label = left.pop()
        if label not in found:
            found.add(label)
            known = label.startswith("@")
            left += [] if known else all_targets()[label].deps
    return found


@pytest.mark.parametrize("package", PACKAGES)
def test_a_target_has_what_its_files_import(package):
    for label, target in targets_of(package).items():
        held, needed = closure(label), set()
        for file in {x for s in target.sources for x in imported(s)}:
            holders = {file} if file.startswith("@") else owners()[file]
            assert holders & held, f"{label} lacks {file}"
            needed |= holders - {label}
        if package.startswith("unpg_tf/"):
            assert target.deps == needed, label
