r"""Measures how fast training batches come from each format.

    python benchmarks/input.py                  # drawn identities
    python benchmarks/input.py --data=lfw-112   # a folder of JPEG files

writes the same JPEG files as a folder, a .rec file and TFRecord shards to a
temporary folder, and reads them from there: decoded, mirrored at random, in
batches. The limit is `tf.io.decode_jpeg` alone on the same bytes in memory.
All take turns; a figure is the median, over the rounds, of the share of the
limit of the same round: of its images per second, and of its CPU time for an
image, which other programs on the machine disturb less.
"""

import struct
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import tensorflow as tf
from absl import app
from absl import flags
from tensorflow import keras

from unpg_tf import data

FLAGS = flags.FLAGS
flags.DEFINE_string("data", None, "Folder of a folder of JPEGs per identity.")
flags.DEFINE_integer("image_size", 112, "Height and width in pixels.")
flags.DEFINE_integer("images", 8192, "At most this many images.")
flags.DEFINE_integer("batch_size", 64, "Images in a batch.")
flags.DEFINE_integer("rounds", 5, "Times that each is measured.")
flags.DEFINE_integer("epochs", 10, "Epochs over which memory is watched.")

MAGIC = 0xCED7230A


def main(argv):
    """Prints the tables; exits with 1 and a message on an error."""
    if len(argv) > 1:
        raise app.UsageError(f"Expected flags only. Received: {argv[1:]}")
    try:
        with tempfile.TemporaryDirectory() as folder:
            _measure(Path(folder))
    except (OSError, ValueError) as error:
        sys.exit(f"input.py: {error}")


def _measure(folder):
    files, labels = _files()
    steps = len(files) // FLAGS.batch_size
    _write(folder, files, labels)
    ways = _ways(folder, files)
    print(
        f"{len(files)} images of {np.mean([len(f) for f in files]):.0f} bytes, "
        f"{FLAGS.image_size} pixels\n\n"
        "| images from | images per second | CPU time for an image |\n"
        "|---|---|---|"
    )
    rounds = []
    for _ in range(FLAGS.rounds + 1):
        rounds.append([_seconds(way, steps) for way in ways.values()])
    # The first fills caches, and traces functions.
    seconds = np.array(rounds[1:])
    shares = np.median(seconds / seconds[:, :1], axis=0)
    for name, (wall, cpu) in zip(ways, shares, strict=True):
        print(f"| {name} | {1 / wall:.2f} | {cpu:.2f} |")
    for name in ("RecordIO", "TFRecord shards"):
        print(_memory(name, ways[name], steps))


def _files():
    """The bytes of JPEG files, and who is in them."""
    if FLAGS.data is None:
        images, labels = data.labelled_images(
            FLAGS.images // 16, 16, FLAGS.image_size
        )
        return [tf.io.encode_jpeg(x).numpy() for x in images], labels
    folder = data.read_folder(FLAGS.data)
    paths = folder.paths[: FLAGS.images]
    return [Path(path).read_bytes() for path in paths], folder.labels


def _write(folder, files, labels):
    """The same files as a folder, a .rec with its .idx, and shards."""
    offset = 0
    with (
        open(folder / "train.rec", "wb") as rec,
        open(folder / "train.idx", "w") as index,
    ):
        for i, (file, label) in enumerate(zip(files, labels, strict=False)):
            path = folder / "images" / str(label) / f"{i}.jpg"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(file)
            payload = struct.pack("<IfQQ", 0, label, i, 0) + file
            index.write(f"{i + 1}\t{offset}\n")
            offset += rec.write(struct.pack("<II", MAGIC, len(payload)))
            offset += rec.write(payload + b"\0" * (-len(payload) % 4))
    images = data.read_folder(folder / "images")
    data.write_shards(*images, folder / "shards", images_per_shard=1024)


def _ways(folder, files):
    """Datasets by the names that the table has, the limit first."""
    flip, every = (
        data.Augmentation(),
        data.Augmentation(
            zoom=0.1, shift=0.04, brightness=0.2, contrast=0.2, saturation=0.2
        ),
    )
    shards = data.ImageShards(folder / "shards" / "*.tfrecord")
    return {
        "decode_jpeg alone, in memory": _limit(files),
        "RecordIO": _batches(
            data.InsightFaceRecords(folder / "train.rec"), flip
        ),
        "TFRecord shards": _batches(shards, flip),
        "TFRecord shards, balanced": _batches(
            shards, flip, identities_per_batch=FLAGS.batch_size // 4
        ),
        "TFRecord shards, all augmentation": _batches(shards, every),
        "folder": _batches(data.read_folder(folder / "images"), flip),
        "folder, by image_dataset_from_directory": _keras(folder / "images"),
    }


def _limit(files):
    dataset = tf.data.Dataset.from_tensor_slices(tf.constant(files))
    dataset = dataset.repeat().map(_decode, tf.data.AUTOTUNE)
    return dataset.batch(FLAGS.batch_size).prefetch(tf.data.AUTOTUNE)


def _decode(file):
    return tf.io.decode_jpeg(file, channels=3)


def _batches(images, augment, **options):
    folder = isinstance(images, data.ImageFolder)
    return data.training_batches(
        images.paths if folder else images,
        images.labels,
        FLAGS.batch_size,
        image_size=FLAGS.image_size,
        augment=augment,
        **options,
    )


def _keras(folder):
    """The loader that Keras has, with its way to mirror at random."""
    dataset = keras.utils.image_dataset_from_directory(
        str(folder),
        label_mode="int",
        batch_size=FLAGS.batch_size,
        image_size=(FLAGS.image_size, FLAGS.image_size),
        seed=0,
        verbose=False,
    )
    return dataset.repeat().map(
        lambda x, y: (tf.image.random_flip_left_right(x), y), tf.data.AUTOTUNE
    )


def _seconds(dataset, steps):
    """Time on the clock and of the CPU for `steps` batches."""
    batches = iter(dataset)
    next(batches)
    clock, cpu = time.perf_counter(), time.process_time()
    for _ in range(steps):
        next(batches)
    return time.perf_counter() - clock, time.process_time() - cpu


def _memory(name, dataset, steps):
    """How the memory of the process grows from the second epoch on."""
    batches, resident = iter(dataset), []
    for _ in range(FLAGS.epochs):
        for _ in range(steps):
            next(batches)
        pages = int(Path("/proc/self/statm").read_text().split()[1])
        resident.append(pages)
    growth = resident[-1] / resident[1] - 1
    return (
        f"\n{name}: memory after epoch {FLAGS.epochs} beside that after "
        f"epoch 2: {growth:+.1%}"
    )


if __name__ == "__main__":
    app.run(main)
