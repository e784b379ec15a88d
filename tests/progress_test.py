import sys

import pytest

from unpg_tf import progress
from unpg_tf.progress import Progress


@pytest.fixture
def impatient(monkeypatch):
    monkeypatch.setattr(progress, "PATIENCE", 0.0)


class Terminal:
    """Stands for a terminal, and keeps what is printed."""

    encoding = "utf-8"

    def __init__(self):
        self.text = ""

    def isatty(self):
        return True

    def write(self, text):
        self.text += text

    def flush(self):
        pass


def test_what_is_done_at_once_shows_nothing(capsys):
    show = Progress("Reading", 3)
    for done in (1, 2, 3):
        show(done)
    assert capsys.readouterr().out == ""


def test_a_file_gets_the_title_and_then_few_lines(
    capsys, monkeypatch, impatient
):
    show = Progress("Reading", 300)
    for done in range(100):
        show(done)
    assert capsys.readouterr().out == "Reading\n"
    monkeypatch.setattr(progress, "PAUSE", 0.0)
    show = Progress("Searching", unit="pair")
    show(1, 8)
    show(2, 9)
    assert capsys.readouterr().out.splitlines() == [
        "Searching",
        "  1 of 8 pairs after 0 s",
        "  2 of 9 pairs after 0 s",
    ]


def test_a_terminal_gets_a_bar(monkeypatch, impatient):
    terminal = Terminal()
    monkeypatch.setattr(sys, "stdout", terminal)
    show = Progress("Reading")
    for done in range(1, 10):
        show(done, 9)
    assert terminal.text.startswith("Reading\n")
    last = terminal.text.splitlines()[-1]
    assert "9/9" in last and "/image" in last
    assert terminal.text.endswith("\n")
