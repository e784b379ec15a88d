"""Damaged files: every reader reads or refuses them, in time and memory.

What a reader refuses it refuses by an error that names the file.
"""

import pickle
import signal
import struct
import tracemalloc

import numpy as np
import pytest

from tests.data import records
from unpg_tf import data
from unpg_tf import evaluation
from unpg_tf.data.tables import read_table
from unpg_tf.data.tables import write_table

SEED, DAMAGES = 0, 150
# Beside a multiple of the file: what any read costs.
BYTES, SECONDS = 8 << 20, 60
# Numbers that a careless reader would believe.
LARGE = (
    b"9" * 30,
    b"-1",
    b"\xff" * 8,
    struct.pack("<Q", 1 << 40),
    struct.pack("<I", (1 << 29) - 1),
    b"\0",
    b"\n",
    "é".encode()[:1],
)


def people(folder):
    path = folder / "people.txt"
    path.write_text("2\n2\nAda\t1\nBob\t2\n1\nCid\t3\n")
    return path, lambda: data.read_people(path)


def names(folder):
    path = folder / "names.txt"
    path.write_text("Ada\nBob\n")
    return path, lambda: data.read_names(path)


def index(folder):
    path = folder / "train.idx"
    path.write_text("0\t0\n1\t40\n2\t5000\n")
    return path, lambda: data.read_index(path)


def record_file(folder):
    path = folder / "some.rec"
    payloads = (b"abcd", b"ab" + records.MAGIC * 2, b"", b"x" * 99)
    path.write_bytes(b"".join(map(records.record, payloads)))
    return path, lambda: list(data.RecordFile(path))


def table(folder):
    path = folder / "some.index"
    arrays = {"a": np.arange(9, dtype="<i8"), "b": np.ones(5, np.uint8)}
    write_table(path, {"state": "some"}, arrays)
    return path, lambda: read_table(path)


def bin_pairs(folder):
    path = folder / "set.bin"
    images = [np.frombuffer(bytes(range(9)), np.uint8) for _ in range(20)]
    path.write_bytes(pickle.dumps((images, [True, False] * 5), 2))
    return path, lambda: evaluation.read_bin(path)


def lfw_pairs(folder):
    for name in ("Ada", "Bob"):
        (folder / name).mkdir()
        for number in (1, 2):
            (folder / name / f"{name}_{number:04d}.jpg").touch()
    path = folder / "pairs.txt"
    path.write_text(
        "2\t1\nAda\t1\t2\nAda\t1\tBob\t1\nBob\t1\t2\nAda\t2\tBob\t1\n"
    )
    return path, lambda: evaluation.read_pairs(path, folder)


def pair_list(folder):
    (folder / "Ada").mkdir()
    for number in range(4):
        (folder / "Ada" / f"{number}.jpg").touch()
    path = folder / "kface.Q1.txt"
    path.write_text("Ada/0.jpg Ada/1.jpg 1\nAda/2.jpg Ada/3.jpg 0\n" * 10)
    return path, lambda: evaluation.read_pair_lists([path], folder)


def ijb(folder, which="face_tid_mid.txt"):
    rows = range(6)
    files = {
        "face_tid_mid.txt": [f"{i}.jpg {i // 2 + 1} {i}" for i in rows],
        "name_5pts_score.txt": [f"{i}.jpg {'1.5 ' * 10}0.9" for i in rows],
        "template_pair_label.txt": ["1 2 0", "1 3 1", "2 3 0"],
        "1N_probe_mixed.csv": ["TEMPLATE_ID,SUBJECT_ID", "1,7", "2,8"],
        "1N_gallery_G1.csv": ["TEMPLATE_ID,SUBJECT_ID", "3,7"],
        "1N_gallery_S2.csv": ["TEMPLATE_ID,SUBJECT_ID", "3,7"],
    }
    for name, lines in files.items():
        (folder / f"ijbc_{name}").write_text("\n".join(lines) + "\n")
    return folder / f"ijbc_{which}", lambda: evaluation.read_ijb(folder)


def ijb_points(folder):
    return ijb(folder, "name_5pts_score.txt")


def ijb_pairs(folder):
    return ijb(folder, "template_pair_label.txt")


def ijb_probes(folder):
    return ijb(folder, "1N_probe_mixed.csv")


def embeddings(folder):
    path = folder / "e.npz"
    np.savez(path, embeddings=np.ones((5, 3)), names=list("abcde"), flip=True)
    return path, lambda: evaluation.StoredEmbeddings(path)


def damaged(contents, rng):
    """Bytes changed, cut out, doubled, or overwritten by large numbers."""
    start, end = sorted(rng.integers(0, len(contents) + 1, 2))
    kind = rng.integers(4)
    if kind == 0:
        noise = rng.integers(0, 256, 2, np.uint8).tobytes()
        return contents[:start] + noise + contents[start + 2 :]
    if kind == 1:
        return contents[:start] + contents[end:]
    if kind == 2:
        return contents[:end] + contents[start:]
    large = LARGE[rng.integers(len(LARGE))]
    kept = start + len(large) * int(rng.integers(2))
    return contents[:start] + large + contents[kept:]


@pytest.fixture
def in_time():
    """Ends a reader that doesn't end by itself."""
    signal.alarm(SECONDS)
    yield
    signal.alarm(0)


@pytest.mark.parametrize(
    "reader",
    [
        people,
        names,
        index,
        record_file,
        table,
        bin_pairs,
        lfw_pairs,
        pair_list,
        ijb,
        ijb_points,
        ijb_pairs,
        ijb_probes,
        embeddings,
    ],
)
def test_damage_is_read_or_refused(reader, tmp_path, in_time):
    path, read = reader(tmp_path)
    read()
    contents, rng = path.read_bytes(), np.random.default_rng(SEED)
    tracemalloc.start()
    for _ in range(DAMAGES):
        path.write_bytes(damaged(contents, rng))
        try:
            read()
        except (OSError, ValueError) as error:
            assert str(tmp_path) in str(error), repr(error)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < BYTES + 100 * len(contents)
