"""Workers, each a process, train as one device on the whole batch does."""

import sys
from pathlib import Path

import numpy as np
import pytest

from tests.distribute import training
from unpg_tf import distribute

ROOT = Path(__file__).absolute().parents[2]


@pytest.mark.parametrize(
    ("workers", "devices", "head", "loss"),
    [
        (3, 1, "magface", "margin"),
        # Its moving average is of all rows; curricularface's likewise.
        (2, 2, "adaface", "unpg"),
    ],
)
def test_workers_train_as_one_device(
    monkeypatch, tmp_path, workers, devices, head, loss
):
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    program = ROOT / "tests" / "distribute" / "worker.py"
    arguments = map(str, (program, devices, head, loss, tmp_path))
    code = distribute.run_local_workers([sys.executable, *arguments], workers)
    assert code == 0
    for index in range(workers):
        losses, *weights = np.load(tmp_path / f"{index}.npz").values()
        expected = training.fit_on_one(head, loss)
        training.assert_same((losses, weights), expected)
