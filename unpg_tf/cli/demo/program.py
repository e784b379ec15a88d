"""Trains, evaluates, compares, exports and asks."""

import shutil
import signal
import subprocess
import sys
from pathlib import Path

import tensorflow as tf

from unpg_tf import data
from unpg_tf import evaluation
from unpg_tf.cli import descriptions
from unpg_tf.cli import failures
from unpg_tf.cli.demo import comparison
from unpg_tf.cli.demo.flags import FLAGS

RUN = Path("runs/demo")
SAVED_MODEL = Path("saved_models/demo/1")
REPORTS = {"unpg": RUN / "report.json", "margin": RUN / "margin.json"}
IMAGE_SIZE = 32
# How much the images of an identity differ.
STRENGTH = 0.7
# Far beyond those of the training and of the evaluation.
STRANGERS = 4_000_000
STRANGER = 5_000_000

# The package can't be imported where this runs.
CLIENT = """
import sys
sys.modules["unpg_tf"] = None
import tensorflow as tf

model, *files = sys.argv[1:]
verify = tf.saved_model.load(model).signatures["verify"]
contents = tf.stack([tf.io.read_file(file) for file in files])
answers = verify(image_bytes_a=contents[::2], image_bytes_b=contents[1::2])
for i, (similarity, same) in enumerate(
    zip(answers["similarity"].numpy(), answers["same"].numpy())
):
    print(
        *files[2 * i : 2 * i + 2],
        f"similarity {similarity:+.3f}",
        "the same" if same else "two identities",
        sep="  ",
    )
"""


def main():
    """Runs the demo; exits with 1 and a message where a part of it fails."""
    shutil.rmtree(RUN, ignore_errors=True)
    with failures.told_by("unpg demo"):
        for loss, report in REPORTS.items():
            _train(loss)
            _evaluate(loss, report)
        _compare()
        _export()
        _ask()
        print()
        print(descriptions.of_files([f"{RUN}/", f"{SAVED_MODEL}/"]))
        print(f"Pictures: {RUN}/compared.png, {RUN}/report_*.png")


def _train(loss):
    _title(f"Training, --loss={loss}")
    _unpg(
        "train",
        f"--loss={loss}",
        f"--output_dir={RUN / loss}",
        f"--image_size={IMAGE_SIZE}",
        f"--synthetic_identities={FLAGS.identities}",
        f"--synthetic_images={FLAGS.images}",
        f"--seed={FLAGS.seed}",
        *(f"--synthetic_{name}={STRENGTH}" for name in data.Strengths._fields),
        f"--epochs={FLAGS.epochs}",
        "--embedding_dim=128",
        "--scale=32",
        "--margin=0.2",
    )


def _evaluate(loss, report):
    _title(f"Evaluating --loss={loss} on identities that it hasn't seen")
    _unpg(
        "evaluate",
        f"--model={RUN / loss / 'model.keras'}",
        f"--report={report}",
        f"--synthetic_pairs={FLAGS.pairs}",
    )


def _compare():
    _title("With the negative pairs of the batch, and without")
    models = {loss: RUN / loss / "model.keras" for loss in REPORTS}
    found = comparison.similarities_of(
        models, STRANGERS, IMAGE_SIZE, data.Strengths(*[STRENGTH] * 4)
    )
    print("\n".join(comparison.table(*found)))
    similarities, same, _ = found
    title = f"All pairs of {comparison.IDENTITIES} unseen identities"
    evaluation.plot_comparison(RUN / "compared.png", similarities, same, title)


def _export():
    _title("Exporting")
    _unpg(
        "export",
        f"--model={RUN / 'unpg' / 'model.keras'}",
        f"--threshold_from={REPORTS['unpg']}",
        f"--output={SAVED_MODEL}",
        "--overwrite",
    )


def _ask():
    _title("Asking the export, TensorFlow alone")
    anna_1, anna_2, bert_1, bert_2 = _draw_strangers()
    pairs = [anna_1, anna_2, bert_1, bert_2, anna_1, bert_1, anna_2, bert_2]
    # What TensorFlow says as it starts is worth a look only on an error.
    asked = _run("-c", CLIENT, SAVED_MODEL, *pairs, stderr=subprocess.PIPE)
    if asked.returncode:
        raise ChildProcessError(f"{SAVED_MODEL}: {asked.stderr}")
    print("Anna isn't Bert; the accuracy above says how often it errs.")


def _draw_strangers():
    """Files of two images each of two identities."""
    names = ["anna_1.png", "anna_2.png", "bert_1.png", "bert_2.png"]
    identities = [STRANGER, STRANGER, STRANGER + 1, STRANGER + 1]
    images = data.draw(identities, [0, 1, 0, 1], IMAGE_SIZE)
    files = [RUN / "images" / name for name in names]
    files[0].parent.mkdir()
    for file, image in zip(files, images, strict=True):
        file.write_bytes(tf.io.encode_png(image).numpy())
    return files


def _title(text):
    print(f"\n== {text}", flush=True)


def _unpg(program, *arguments):
    """Runs a program of the command, which says itself what goes wrong."""
    done = _run("-m", "unpg_tf", program, *arguments, stderr=sys.stderr)
    if done.returncode == failures.INTERRUPTED:
        failures.leave(failures.INTERRUPTED)
    if done.returncode:
        raise ChildProcessError(f"unpg {program} failed, as it says above")


def _run(*arguments, **options):
    """Runs Python to its end, which Ctrl-C hastens."""
    command = [sys.executable, *map(str, arguments)]
    process = subprocess.Popen(command, text=True, **options)
    usual = signal.signal(signal.SIGINT, lambda n, _: process.send_signal(n))
    try:
        _, errors = process.communicate()
    finally:
        signal.signal(signal.SIGINT, usual)
    return subprocess.CompletedProcess(
        command, process.returncode, None, errors
    )
