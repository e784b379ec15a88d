"""The command line before TensorFlow is imported."""

import contextlib
import os
import re
import subprocess
import sys

import pytest
from tensorflow import keras

from tests.cli.given import given
from tests.cli.programs import ROOT
from unpg_tf import cli
from unpg_tf import layers
from unpg_tf import models
from unpg_tf.cli.main import PROGRAMS
from unpg_tf.cli.main import program_flags
from unpg_tf.version import __version__

# Runs command lines, and says which of them have imported TensorFlow.
RUN = """
import contextlib, io, runpy, sys

for line in sys.stdin:
    sys.argv = ["unpg", *line.split()]
    with contextlib.redirect_stdout(io.StringIO()):
        with contextlib.suppress(SystemExit):
            runpy.run_module("unpg_tf", run_name="__main__")
    print(line.strip(), "tensorflow" in sys.modules, sep="|")
"""


@pytest.fixture(autouse=True)
def flags_as_before():
    """Command lines set the flags of this process: not for the next test."""
    with contextlib.ExitStack() as stack:
        for name in PROGRAMS:
            stack.enter_context(given(program_flags(name).FLAGS))
        yield


def refused(*arguments):
    """The first line of the message that a command line ends with."""
    with pytest.raises(SystemExit) as end:
        cli.main(arguments)
    return str(end.value.code).splitlines()[0]


def printed(capsys, *arguments):
    with pytest.raises(SystemExit) as end:
        cli.main(arguments)
    assert end.value.code == 0
    return capsys.readouterr().out


def test_help_and_wrong_flags_need_no_tensorflow():
    lines = ["", "--version", "nonsense", "client ask", "export --far=2"]
    lines += ["client verify none.jpg none.jpg", "client embed none --output=a"]
    lines += [f"{name} --help" for name in PROGRAMS]
    lines += [f"{name} --nonsense=1" for name in PROGRAMS]
    done = subprocess.run(
        [sys.executable, "-c", f"import sys; sys.argv = ['unpg']\n{RUN}"],
        input="\n".join(lines),
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.split("\n")[:-1] == [f"{x}|False" for x in lines]


@pytest.mark.parametrize("arguments", [[], ["--help"], ["help"]])
def test_the_command_lists_its_programs(capsys, arguments):
    text = printed(capsys, *arguments)
    for name, what in PROGRAMS.items():
        assert f"{name:<16}{what}" in text


def test_the_version(capsys):
    assert printed(capsys, "--version") == f"unpg_tf {__version__}\n"


@pytest.mark.parametrize("name", PROGRAMS)
def test_help_explains_every_flag_once_the_first_first(capsys, name):
    text = printed(capsys, name, "--help")
    assert text.startswith(f"unpg {name}: ")
    assert max(map(len, text.splitlines())) <= 80
    flags = program_flags(name)
    assert len(flags.FIRST) <= 20
    found = [line.split() for line in text.splitlines() if line[:4] == "  --"]
    shown = [line[0][2:].removeprefix("[no]") for line in found]
    assert shown[: len(flags.FIRST)] == [*flags.FIRST]
    assert sorted(shown) == sorted(flags.FLAGS)


def test_help_groups_flags_by_topic(capsys):
    text = printed(capsys, "train", "--help")
    topics = text.split("\n\n")
    loss = next(topic for topic in topics if topic.startswith("Loss:"))
    assert "--loss_option" in loss and "--schedule" not in loss


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["trian"], "unpg: Expected train, .*Received: trian. .*mean train[?]"),
        (
            ["train", "--bach_size=9"],
            "unpg train: .*--bach_size. Did you mean --batch_size[?]",
        ),
        (["train", "--nocash"], "unpg train: .*--nocash. .*mean --nocache[?]"),
        (["train"], "unpg train: Expected --output_dir. Received: none"),
        (["train", "faces"], "unpg train: Expected flags alone. .*: faces"),
        (["evaluate"], "unpg evaluate: Expected --model. Received: none"),
        (
            ["client", "verify", "a.jpg"],
            "unpg client: Expected .*verify A B.* Received: verify a.jpg",
        ),
        (["client"], "unpg client: Expected embed FOLDER"),
        (["client", "embed", "a"], "unpg client: Expected --output."),
        (["export"], "unpg export: Expected --model."),
        (["convert", "--data=a"], "unpg convert: Expected --output."),
        (["import-weights"], "unpg import-weights: Expected --checkpoint."),
        (["export-weights"], "unpg export-weights: Expected --model."),
        (
            ["client", "verify", "none.jpg", "none.jpg"],
            "unpg client: Expected an image. Received: none.jpg, no file",
        ),
        (
            ["client", "identify", __file__, "--gallery=none.npz"],
            "unpg client: Expected a gallery.* Received: none.npz, no file",
        ),
        (
            ["client", "embed", "none", "--output=a.npz"],
            "unpg client: Expected a folder .*Received: none, no folder",
        ),
        (
            ["client", "verify", __file__, __file__, "--server=none"],
            "unpg client: Expected --server=http.*Received: none.*, no file",
        ),
        (
            [
                *("client", "verify", __file__, __file__),
                *("--server=grpc://localhost:1", "--retries=1"),
            ],
            "unpg client: Expected a server .*Received: Connection refused",
        ),
        (
            ["train", "--flagfile=none.txt"],
            "unpg train: .*none.txt",
        ),
    ],
)
def test_a_wrong_command_line_is_told_in_a_line(arguments, message):
    assert re.match(message, refused(*arguments))


def test_flags_are_read_from_a_file(tmp_path):
    path = tmp_path / "flags.txt"
    path.write_text("--head=arcface\n--nonsense=1\n")
    assert "--nonsense" in refused("train", f"--flagfile={path}")


def test_a_file_of_flags_that_is_no_text_is_named(tmp_path):
    path = tmp_path / "flags.txt"
    path.write_bytes("--data=Zoë\n".encode("latin-1"))
    message = rf"unpg train: Expected text in UTF-8 in --flagfile={path}\. R"
    assert re.match(message, refused("train", f"--flagfile={path}"))


def test_a_long_flag_is_refused_at_once(tmp_path):
    path = tmp_path / "flags.txt"
    path.write_text(f"--{'x' * 100_000}=1\n")
    for argument in (f"--flagfile={path}", path.read_text().strip()):
        line = refused("train", argument)
        assert re.fullmatch(
            "unpg train: Expected a flag. Received: --x{98}…", line
        )


def test_what_follows_two_dashes_is_no_flag():
    name = f"-{'x' * 150}"
    line = refused("client", "verify", "--", name, name)
    assert line.startswith(f"unpg client: Expected an image. Received: {name}")


def test_a_long_message_keeps_its_ends():
    line = refused("train", "--output_dir=a", f"--head={'x' * 5000}end")
    assert line.startswith("unpg train: ")
    assert len(line) < 1100 and "…" in line


def test_a_process_of_its_own_loads_a_model(tmp_path):
    path = tmp_path / "model.keras"
    backbone = keras.Sequential(
        [
            keras.Input((8, 8, 3)),
            keras.layers.Flatten(),
            keras.layers.Dense(4),
        ]
    )
    models.EmbeddingModel(backbone, layers.ArcFace(2)).save(path)
    done = subprocess.run(
        [
            *(sys.executable, "-m", "unpg_tf", "evaluate"),
            *(f"--model={path}", "--synthetic_pairs=40", "--bootstrap=0"),
        ],
        cwd=ROOT,
        # As the user's other programs on Keras may have it.
        env={**os.environ, "KERAS_BACKEND": "jax"},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    assert "40 of synthetic" in done.stdout
