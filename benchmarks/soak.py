"""A long training, watched: nothing that it takes may grow.

    python benchmarks/soak.py --minutes=60

`unpg train` trains a small network on drawn identities, verifies it
after each epoch, writes its checkpoints and logs, and is looked at from
outside meanwhile: its resident memory, threads and open files every second,
and the processors' time of each epoch, which other work on the machine blurs
less than the clock's. The first third of the time is left to warm up. A line
is fitted through each of the four over the rest, and the program ends with 1
if one of them grows, from the line's start to its end, by more than its bound.
It reads Linux' /proc.
"""

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from absl import app
from absl import flags

FLAGS = flags.FLAGS
flags.DEFINE_float("minutes", 60.0, "After the first epoch.", lower_bound=0.1)
flags.DEFINE_string("report", None, "JSON file of all that was measured.")

SETTINGS = {
    "synthetic_identities": 20,
    "synthetic_images": 64,
    "image_size": 32,
    "embedding_dim": 32,
    "batch_size": 32,
    "scale": 16,
    "schedule": "constant",
    "learning_rate": 0.01,
    "epochs": 10**6,
}
WARM_UP = 1 / 3
# The growth that is none, as a part of the start and in units, whichever is
# more; and the unit.
BOUNDS = {
    "memory": (0.05, 0.0, "MiB"),
    "epoch": (0.2, 0.0, "CPU-seconds"),
    "files": (0.0, 0.5, "files"),
    "threads": (0.0, 0.5, "threads"),
}


def main(_):
    """Trains, watches and judges."""
    with tempfile.TemporaryDirectory() as folder:
        found = watched(Path(folder))
    if FLAGS.report:
        Path(FLAGS.report).write_text(json.dumps(found))
    grown = []
    print("| | start | end | bound |\n|---|---|---|---|")
    for name, (part, units, unit) in BOUNDS.items():
        start, end = fitted(*found[name])
        bound = start + max(part * start, units)
        print(f"| {name}, {unit} | {start:.2f} | {end:.2f} | {bound:.2f} |")
        if end > bound:
            grown.append(name)
    epochs = len(found["epoch"][0])
    print(f"{epochs} epochs, each verified, in {FLAGS.minutes:g} minutes")
    if grown:
        sys.exit(f"Expected no growth. Received: that of {', '.join(grown)}")


def watched(folder):
    """Trains for the time asked for.

    Args:
        folder: path of an empty folder.

    Returns:
        dict by the names of `BOUNDS`, of lists of the seconds after the first
        epoch, and lists of the values at those times.
    """
    settings = {**SETTINGS, "output_dir": folder / "run"}
    arguments = [f"--{name}={value}" for name, value in settings.items()]
    with (folder / "log").open("w+") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "unpg_tf", "train", *arguments],
            stdout=log,
            stderr=log,
        )
        try:
            found = _looks(process, folder / "run" / "log.csv")
        finally:
            process.send_signal(signal.SIGTERM)
            code = process.wait()
        if code != 128 + signal.SIGTERM:
            log.seek(0)
            sys.exit(f"Expected a training. Received: {code}: {log.read()}")
    return found


def fitted(times, values):
    """Where a line through values after the warm-up starts, and ends."""
    times, values = np.array(times), np.array(values, float)
    warm = times >= WARM_UP * times[-1]
    times, values = times[warm], values[warm]
    slope, start = np.polyfit(times - times[0], values, 1)
    return start, start + slope * (times[-1] - times[0])


def _looks(process, log):
    found = {name: ([], []) for name in BOUNDS}
    start, rows, spent = None, 0, 0.0
    while process.poll() is None:
        time.sleep(1)
        new = _rows(log)
        if not new:
            continue
        start = start or time.monotonic()
        now = time.monotonic() - start
        if now > 60 * FLAGS.minutes:
            break
        taken = _taken(process.pid)
        for name, value in taken.items():
            _note(found[name], now, value)
        if new > rows:
            seconds = _processor_seconds(process.pid)
            if rows:
                _note(found["epoch"], now, (seconds - spent) / (new - rows))
            rows, spent = new, seconds
    return found


def _note(series, now, value):
    series[0].append(now)
    series[1].append(value)


def _rows(log):
    lines = log.read_text().splitlines() if log.exists() else []
    return len(lines[1:])


def _taken(pid):
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return {
        "memory": pages * os.sysconf("SC_PAGE_SIZE") / 2**20,
        "files": len(os.listdir(f"/proc/{pid}/fd")),
        "threads": len(os.listdir(f"/proc/{pid}/task")),
    }


def _processor_seconds(pid):
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return sum(map(int, fields[11:13])) / os.sysconf("SC_CLK_TCK")


if __name__ == "__main__":
    app.run(main)
