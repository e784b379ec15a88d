"""How a test file becomes a Bazel target."""

load("@rules_python//python:py_test.bzl", "py_test")

def _test_tools():
    """What tests need from PyPI, beside what the package needs."""

    # Bazel knows modules, and thereby MODULE.bazel's packages, from version 6
    # on. Before, the interpreter on PATH has to bring them.
    if not hasattr(native, "module_name"):
        return []
    return [
        "@pypi//faiss_cpu",
        "@pypi//hypothesis",
        "@pypi//matplotlib",
        "@pypi//mtcnn",
        "@pypi//pillow",
        "@pypi//pillow_heif",
        "@pypi//pytest",
        "@pypi//tensorflow_serving_api",
        "@pypi//trustme",
    ]

def unpg_test(name, deps, data = [], size = "medium", tags = []):
    """Runs NAME.py by pytest.

    Args:
        name: name of the target, and of the test file without its suffix.
        deps: the libraries that the test file imports.
        data: files that the test reads.
        size: how long Bazel waits: "medium" is 300 s, "large" 900 s.
        tags: Bazel's tags, such as "manual".
    """
    py_test(
        name = name,
        size = size,
        srcs = [
            name + ".py",
            "//tests:run_pytest.py",
        ],
        args = ["$(rootpath %s.py)" % name],
        data = data + ["//:setup.cfg"],
        main = "//tests:run_pytest.py",
        tags = tags,
        deps = deps + ["//tests:conftest"] + _test_tools(),
    )
