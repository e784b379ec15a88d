"""The commands of README and guides name programs, flags and files we have."""

import configparser
import re
import shlex

import pytest
from absl import flags

from tests.docs.pages import ROOT
from tests.docs.pages import blocks
from tests.docs.pages import pages
from tests.docs.pages import text
from unpg_tf.cli.main import PROGRAMS
from unpg_tf.cli.main import program_flags

_VARIABLE = re.compile(r"^[A-Z_]+=")
_INLINE = re.compile(r"`((?:unpg|python|make|pip) [^`]+)`")


def _commands():
    """(page, words) of each command in a page."""
    for page in pages():
        for block in blocks(page, "sh"):
            joined = block.code.replace("\\\n", " ")
            for words in map(_words, joined.splitlines()):
                yield page, words
        for written in _INLINE.findall((ROOT / page).read_text()):
            yield page, _words(written)


def _words(line):
    """The words of a command, without variables before it."""
    try:
        words = shlex.split(line, comments=True)
    except ValueError:  # A quotation of several lines.
        return []
    while words and _VARIABLE.match(words[0]):
        words = words[1:]
    return words


def _starting(*start):
    found = [
        pytest.param(words[len(start) :], id=f"{page}: {' '.join(words)[:60]}")
        for page, words in _commands()
        if words[: len(start)] == list(start)
    ]
    assert found
    return found


@pytest.mark.parametrize("words", _starting("unpg"))
def test_flags_of_unpg_are_known(words):
    words = [word for word in words if word not in ("…", "...")]
    if not words or words == ["--version"]:
        return
    name, *arguments = words
    assert name in PROGRAMS
    known = program_flags(name).FLAGS
    for argument in arguments:
        if argument.startswith("--"):
            flag, _, value = argument[2:].partition("=")
            _check_flag(known, flag, value)


def _check_flag(known, flag, value):
    if flag in ("help", "flagfile"):
        return
    if flag not in known:
        assert flag.startswith("no")
        assert known[flag.removeprefix("no")].boolean
    elif (
        value
        and not isinstance(known[flag], flags.MultiFlag)
        and value not in ("…", "...")
    ):
        # A value in capitals stands for one of the reader's.
        assert value.isupper() or known[flag].parser.parse(value) is not None


@pytest.mark.parametrize("words", _starting("python"))
def test_programs_of_the_repository_have_the_flags(words):
    program, *arguments = words
    if program in ("-m", "-c"):
        return
    source = (ROOT / program).read_text()
    for argument in arguments:
        if argument == "--":
            break  # What follows is for another program.
        if argument.startswith("--") and program.startswith("benchmarks"):
            flag = argument[2:].partition("=")[0]
            assert f'"{flag}"' in source


@pytest.mark.parametrize("words", _starting("make"))
def test_targets_of_make(words):
    makefile = (ROOT / "Makefile").read_text()
    for word in words:
        assert "=" in word or re.search(rf"^{word}:", makefile, re.MULTILINE)


@pytest.mark.parametrize("words", _starting("pip", "install"))
def test_extras_are_declared(words):
    config = configparser.ConfigParser()
    config.read(ROOT / "setup.cfg")
    for word in words:
        extras = re.search(r"(?:unpg|^\.).*\[([\w,]+)\]", word)
        for extra in extras[1].split(",") if extras else ():
            assert extra in config["options.extras_require"]


def test_every_extra_is_explained():
    config = configparser.ConfigParser()
    config.read(ROOT / "setup.cfg")
    page = text("docs/guides/command-line.md")
    rows = re.findall(r"^\| `(\w+)` \|", page, re.MULTILINE)
    assert set(rows) == set(config["options.extras_require"])
