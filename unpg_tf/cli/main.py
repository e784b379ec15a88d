"""Finds the program that the command line names, and starts it."""

import contextlib
import importlib
import itertools
import os
import signal
import sys

from absl import flags

from unpg_tf.cli import failures
from unpg_tf.cli import help_text
from unpg_tf.cli import tensorflow_log
from unpg_tf.cli.topics import nearest
from unpg_tf.version import __version__

PROGRAMS = {
    "train": "Train embeddings with a margin head and UNPG.",
    "evaluate": "Measure a model by the protocol of a data set.",
    "export": "Write a trained model as a SavedModel, for serving.",
    "align": "Cut aligned faces out of photos.",
    "convert": "Write training images to TFRecord shards.",
    "client": "Ask an exported model: embed, verify, identify.",
    "import-weights": "Make a Keras model of a PyTorch checkpoint.",
    "export-weights": "Write a Keras backbone as a PyTorch state dict.",
    "demo": "Train, evaluate, compare and export, on synthetic data.",
}
_LONGEST_FLAG = 100
# Keras loads the classes of a .keras file that are registered already.
_REGISTERING = ("backbones", "layers", "losses", "models", "optimizers")


def main(arguments=None):
    """Runs the program that the command line names; ends the process.

    Args:
        arguments: list of strings; None for those of the process.

    Raises:
        SystemExit: with 0, or with 1 after a message on an error. Flags are
            checked before TensorFlow is imported. Ctrl-C ends the process
            with 130 after a line.
    """
    arguments = sys.argv[1:] if arguments is None else list(arguments)
    if not arguments or arguments[0] in ("help", "--help", "-h"):
        print(help_text.overview(PROGRAMS))
        sys.exit(0)
    if arguments[0] == "--version":
        print(f"unpg_tf {__version__}")
        sys.exit(0)
    name, *rest = arguments
    if name not in PROGRAMS:
        near = nearest(name, PROGRAMS)
        sys.exit(
            f"unpg: Expected {', '.join(PROGRAMS)}. Received: {name}{near}"
        )
    rest = parsed(name, rest)
    tensorflow_log.begin(f"unpg {name}")
    # What else runs on Keras here may be set to another.
    os.environ["KERAS_BACKEND"] = "tensorflow"
    with _at_once(name):
        for room in _REGISTERING:
            importlib.import_module(f"unpg_tf.{room}")
        program = importlib.import_module(f"{_package(name)}.program")
    try:
        sys.exit(program.main(*rest))
    except SystemExit as end:
        leave = getattr(program, "leave", sys.exit)
        leave(failures.shortened(end.code))
    except KeyboardInterrupt:
        _interrupted(name)


@contextlib.contextmanager
def _at_once(name):
    """Lets Ctrl-C end the process within the block.

    Amid an import the usual exception may end as another one, or nowhere.
    """
    usual = signal.getsignal(signal.SIGINT)
    if usual is not signal.default_int_handler:
        yield  # As `nohup` and the like have it.
        return
    signal.signal(signal.SIGINT, lambda *_: _interrupted(name))
    yield
    signal.signal(signal.SIGINT, usual)


def _interrupted(name):
    # Of several workers one speaks.
    speaks = getattr(program_flags(name), "speaks", lambda: True)()
    failures.interrupted(f"unpg {name}" if speaks else None)


def program_flags(name):
    """The module of a program's flags.

    Args:
        name: string, one of `PROGRAMS`.

    Returns:
        A module with `FLAGS`, an `absl.flags.FlagValues`; `FIRST`, the names
        of the flags that `--help` shows first; `check`, a function of the
        arguments that aren't flags, which raises a ValueError where these or
        the flags don't fit each other.
    """
    return importlib.import_module(f"{_package(name)}.flags")


def parsed(name, arguments):
    """Parses and checks the arguments of a program.

    Args:
        name: string, one of `PROGRAMS`.
        arguments: list of strings.

    Returns:
        The list of those that aren't flags.

    Raises:
        SystemExit: the help is asked for, or an argument is wrong.
    """
    module = program_flags(name)
    if _asks_for_help(arguments):
        print(help_text.of_program(name, module))
        sys.exit(0)
    try:
        arguments = _with_flag_files(module.FLAGS, arguments)
        _, *rest = module.FLAGS([f"unpg {name}", *arguments])
        module.check(*rest)
    except flags.UnrecognizedFlagError as error:
        known = [*module.FLAGS, *(f"no{flag}" for flag in module.FLAGS)]
        near = nearest(error.flagname, known, "--")
        _refuse(name, f"Expected a flag. Received: --{error.flagname}{near}")
    except OSError as error:
        sys.exit(failures.shortened(f"unpg {name}: {error}"))
    except (flags.Error, TypeError, ValueError) as error:
        _refuse(name, error)
    return rest


def _with_flag_files(flag_values, arguments):
    """The arguments, with those of each --flagfile in its place."""
    try:
        arguments = flag_values.read_flags_from_files(
            arguments, force_gnu=False
        )
    except UnicodeDecodeError as error:
        files = [a for a in arguments if "flagfile" in a]
        raise ValueError(
            f"Expected text in UTF-8 in {' '.join(files)}. "
            f"Received: {error.object[error.start :][:8]!r}"
        ) from error
    for argument in _before_dashes(arguments):
        flag = argument.partition("=")[0]
        # absl looks for names like it, in a time that grows with its length.
        if flag.startswith("-") and len(flag) > _LONGEST_FLAG:
            raise ValueError(
                f"Expected a flag. Received: {flag[:_LONGEST_FLAG]}…"
            )
    return arguments


def _before_dashes(arguments):
    """Those among which flags may be: what follows "--" is none."""
    return itertools.takewhile(lambda argument: argument != "--", arguments)


def _asks_for_help(arguments):
    asking = {"-h", "--help", "--helpfull", "-help"}
    return not asking.isdisjoint(_before_dashes(arguments))


def _refuse(name, message):
    message = failures.shortened(f"unpg {name}: {message}")
    sys.exit(f"{message}\nAll flags: unpg {name} --help")


def _package(name):
    return f"unpg_tf.cli.{name.replace('-', '_')}"
