"""`unpg train` as a program."""

import csv
import functools
import signal
import time

import numpy as np
import pytest
import tensorflow as tf
from tensorflow import keras

import unpg_tf  # noqa: F401  Registers the classes of saved models.
from tests.cli import programs
from tests.cli.given import given
from tests.data import records
from unpg_tf.cli.train import program
from unpg_tf.cli.train.flags import FLAGS

run = functools.partial(programs.run, "train")
TINY = {
    "synthetic_identities": 6,
    "synthetic_images": 8,
    "image_size": 32,
    "embedding_dim": 16,
    "batch_size": 16,
    "epochs": 3,
    "scale": 16,
    "seed": 3,
}


def read_log(folder):
    with (folder / "log.csv").open(newline="") as file:
        return list(csv.DictReader(file))


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """The folder of a run that has finished, and what it printed."""
    folder = tmp_path_factory.mktemp("finished")
    code, output, errors = run("--resume=auto", output_dir=folder, **TINY)
    assert code == 0, errors
    return folder, output


def test_a_run_leaves_model_log_and_flags(finished):
    folder, output = finished
    assert "trained for 3 epochs" in output
    model = keras.models.load_model(folder / "model.keras")
    images = np.zeros((2, 32, 32, 3), np.uint8)
    assert model.predict(images, verbose=0).shape == (2, 16)
    rows = read_log(folder)
    assert [row["epoch"] for row in rows] == ["1", "2", "3"]
    assert {"loss", "accuracy", "val_pair_accuracy", "val_auc"} <= set(rows[0])
    assert 0.5 <= float(rows[-1]["kept_share"]) <= 1.0
    assert 0.0 < float(rows[-1]["unpg_share"]) < 1.0
    assert "--embedding_dim=16" in (folder / "flags.txt").read_text()


def test_a_run_prints_what_it_does_and_no_more(finished):
    folder, output = finished
    machine, data, model, *epochs, end, files = output.splitlines()
    assert machine.startswith(f"TensorFlow {tf.__version__}, Keras ")
    assert machine.endswith(", 1 replica, float32")
    assert data == "synthetic: 48 images of 6 identities"
    assert model.startswith("model: backbone small, 1.2 million parameters, ")
    assert model.endswith(
        "embeddings of 16; head CosFace of 6 classes; loss UNPGLoss"
    )
    assert [line for line in epochs if not line.startswith("3/3 - ")] == [
        f"Epoch {i}/3" for i in (1, 2, 3)
    ]
    assert end == f"{folder / 'model.keras'}: trained for 3 epochs"
    assert files == (
        f"Written to {folder}: model.keras, log.csv, tensorboard/, "
        "checkpoints/, flags.txt, tensorflow.log"
    )
    assert sorted(path.name for path in folder.iterdir()) == sorted(
        name.strip("/") for name in files.partition(": ")[2].split(", ")
    )
    assert (folder / "tensorflow.log").read_text().startswith("== ")


def test_a_complete_run_is_left_as_it_is(finished, capsys):
    folder, _ = finished
    before = (folder / "model.keras").stat().st_mtime_ns
    values = {**TINY, "resume": "auto", "output_dir": str(folder)}
    with given(FLAGS, **values):
        program.main()
    assert capsys.readouterr().out == (
        f"{folder / 'model.keras'}: trained for 3 epochs already\n"
    )
    assert (folder / "model.keras").stat().st_mtime_ns == before


def test_ctrl_c_before_the_training_ends_in_a_line(tmp_path):
    process = programs.start(
        "train",
        synthetic_identities=100_000,
        output_dir=tmp_path / "new",
        condition=("terminal",),
    )
    while "Making them" not in process.printed():
        assert process.poll() is None, process.communicate()
        time.sleep(0.01)
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate()
    assert process.returncode == 130
    assert errors == "unpg train: interrupted\n"
    assert not (tmp_path / "new").exists()


def test_a_run_writes_what_tensorboard_reads(finished):
    folder, _ = finished
    for place, name in (
        ("tensorboard", "loss"),
        ("tensorboard/verification", "val_auc"),
    ):
        written = list(events(folder / place))
        values = {
            step: float(tf.make_ndarray(value.tensor))
            for step, value in written
            if value.tag == name
        }
        expected = {i: float(r[name]) for i, r in enumerate(read_log(folder))}
        assert values == pytest.approx(expected)
    assert {"roc", "similarities", "similarities/same"} <= {
        value.tag for _, value in written
    }


def events(folder):
    """Steps and values of the one file of events in a folder."""
    (path,) = folder.glob("events.*")
    for record in tf.data.TFRecordDataset(str(path)):
        event = tf.compat.v1.Event.FromString(record.numpy())
        for value in event.summary.value:
            yield event.step, value


def test_a_folder_of_images_trains_replicas(tmp_path):
    rng = np.random.default_rng(0)
    for name in ("Ada", "Bob", "Cid"):
        for number in range(1, 4):
            image = rng.integers(0, 256, (40, 40, 3)).astype(np.uint8)
            path = tmp_path / "faces" / name / f"{name}_{number:04d}.png"
            tf.io.write_file(str(path), tf.io.encode_png(image))
    (tmp_path / "people.txt").write_text("2\nAda\t3\nCid\t3\n")
    (tmp_path / "pairs.txt").write_text(
        "2\t1\nAda\t1\t2\nAda\t1\tBob\t1\nCid\t1\t2\nCid\t1\tBob\t2\n"
    )
    code, output, errors = run(
        "--strategy=mirrored",
        "--nocache",
        "--head=magface",
        "--head_option=upper_margin=0.7",
        "--max_pair_share=0.01",
        "--max_target_ratio=inf",
        **{**TINY, "epochs": 1, "batch_size": 4},
        devices=2,
        data=tmp_path / "faces",
        people=tmp_path / "people.txt",
        pairs=tmp_path / "pairs.txt",
        output_dir=tmp_path / "run",
    )
    assert code == 0, errors
    assert (
        f"{tmp_path / 'faces'}: 6 images of 2 identities. "
        "Left out: 1 identity not listed (3 images)"
    ) in output.splitlines()
    model = keras.models.load_model(
        tmp_path / "run" / "model.keras", compile=False
    )
    assert model.head.num_classes == 2
    assert model.head.upper_margin == 0.7
    (row,) = read_log(tmp_path / "run")
    assert float(row["unpg_share"]) == pytest.approx(0.01)
    assert float(row["bounded_share"]) == 1.0
    assert "val_pair_accuracy" in read_log(tmp_path / "run")[0]


def test_a_record_file_trains_replicas(tmp_path):
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (12, 40, 40, 3)).astype(np.uint8)
    records.write(
        tmp_path / "train.rec",
        [(i // 4, tf.io.encode_png(x).numpy()) for i, x in enumerate(images)],
        classes=3,
    )
    (tmp_path / "test.txt").write_text("1\n\n")
    code, output, errors = run(
        "--strategy=mirrored",
        "--nocache",
        **{**TINY, "epochs": 1, "batch_size": 4},
        devices=2,
        sample_rate=0.9,
        product_dtype="bfloat16",
        data=tmp_path / "train.rec",
        exclude_people=tmp_path / "test.txt",
        output_dir=tmp_path / "run",
    )
    assert code == 0, errors
    assert "8 images of 2 identities" in output
    model = keras.models.load_model(
        tmp_path / "run" / "model.keras", compile=False
    )
    assert int(model.head.samples) == 2
    assert model.head.product_dtype == "bfloat16"


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"resume": True, "output_dir": "NEW"}, "Expected a checkpoint"),
        ({"output_dir": "FINISHED"}, "Expected --resume, or an --output_dir"),
        (
            {
                "resume": "auto",
                "output_dir": "FINISHED",
                "epochs": 4,
                "image_size": 48,
                "head": "arcface",
                "batch_size": 8,
            },
            "Expected --batch_size=16 --image_size=32 --head=cosface, as in "
            "{FINISHED}/flags.txt of the run that is resumed. Received: "
            "--batch_size=8 --image_size=48 --head=arcface",
        ),
        (
            # Only the optimizer's variables show it.
            {
                "resume": "auto",
                "output_dir": "FINISHED",
                "epochs": 4,
                "ema_momentum": 0.9,
            },
            "Expected no --ema_momentum, as in {FINISHED}/flags.txt of the "
            "run that is resumed. Received: --ema_momentum=0.9",
        ),
        (
            {"resume": True, "output_dir": "FINISHED"},
            "Expected --epochs above the 3 that are done. Received: --epochs=3",
        ),
        (
            {"resume": True, "output_dir": "FINISHED", "embedding_dim": 8},
            "Expected --embedding_dim=16, as in {FINISHED}/flags.txt of the "
            "run that is resumed. Received: --embedding_dim=8",
        ),
        ({"data": "nowhere", "output_dir": "NEW"}, "Expected a folder"),
        (
            {"min_images": 2, "output_dir": "NEW"},
            "Expected --min_images with --data of files. Received: "
            "--min_images=2 with --data=synthetic",
        ),
        (
            {"batch_size": 49, "output_dir": "NEW"},
            "Expected --batch_size of at most the 48 images. "
            "Received: --batch_size=49",
        ),
        (
            {"strategy": "mirrored", "batch_size": 18, "output_dir": "NEW"},
            "Expected --batch_size to be a multiple of the 4 replicas",
        ),
        (
            {"head": "magface", "margin": 0.3, "output_dir": "NEW"},
            "Expected --head_option for lower_margin or upper_margin",
        ),
        (
            {"head_option": ["marge=1"], "output_dir": "NEW"},
            "marge",
        ),
        (
            {"learning_rate": 1e30, "output_dir": "NEW"},
            "Expected a finite loss and finite gradients",
        ),
    ],
)
def test_an_error_exits_with_a_message(finished, tmp_path, changes, message):
    folders = {"NEW": str(tmp_path), "FINISHED": str(finished[0])}
    values = {**TINY, **changes}
    values["output_dir"] = folders.get(values.get("output_dir"))
    with given(FLAGS, **values), pytest.raises(SystemExit) as error:
        program.main()
    assert str(error.value).startswith("unpg train: ")
    assert message.format(**folders) in str(error.value)
    # What a failed run leaves must not look like one to resume.
    assert not (tmp_path / "checkpoints" / "checkpoint").exists()
    assert not (tmp_path / "model.keras").exists()
