r"""Measures how fast training batches come from each format.

    python benchmarks/input.py                  # drawn identities
    python benchmarks/input.py --data=lfw-112   # a folder of JPEG files

writes the same JPEG files as a folder, a .rec file and TFRecord shards to a
temporary folder, and reads them from there: decoded, mirrored at random, in
batches. The limit is `tf.io.decode_jpeg` alone on the same bytes in memory, an
element of the dataset for each image, in batches; a loop over a batch's files
within one element spares such elements' cost, as the readers do.
All take turns; a figure is the least of the rounds beside the limit's: images
per second, and CPU time for an image, which other programs on the machine
disturb less.

Then the memory of the process, epoch after epoch of one iterator. Some of it
is what the allocator keeps of freed blocks, which settles in time; the second
row is what is left of it when those are given back.
"""

import ctypes
import resource
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
    seconds = np.min(rounds[1:], axis=0)
    shares = seconds / seconds[0]
    for name, (wall, cpu) in zip(ways, shares, strict=True):
        print(f"| {name} | {1 / wall:.2f} | {cpu:.2f} |")
    epochs = range(1, FLAGS.epochs + 1)
    print(f"\n| MiB after epoch | {' | '.join(map(str, epochs))} |")
    print("|---" * (FLAGS.epochs + 1) + "|")
    for name in ("RecordIO", "TFRecord shards"):
        for kind, sizes in _memory(ways[name], steps).items():
            print(f"| {name}, {kind} | {' | '.join(map(str, sizes))} |")


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
        "decode_jpeg alone, in loops": _loops(files),
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


def _loops(files):
    size = FLAGS.batch_size
    whole = len(files) // size * size
    batches = np.array(files, object)[:whole].reshape(-1, size)
    dataset = tf.data.Dataset.from_tensor_slices(tf.constant(batches.tolist()))
    shape = [FLAGS.image_size, FLAGS.image_size, 3]
    return (
        dataset.repeat()
        .map(
            lambda batch: tf.map_fn(
                _decode,
                batch,
                fn_output_signature=tf.TensorSpec(shape, tf.uint8),
            ),
            tf.data.AUTOTUNE,
        )
        .prefetch(tf.data.AUTOTUNE)
    )


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


def _memory(dataset, steps):
    """The memory of the process after each epoch, in MiB."""
    batches, sizes = iter(dataset), {"resident": [], "in use": []}
    for _ in range(FLAGS.epochs):
        for _ in range(steps):
            next(batches)
        sizes["resident"].append(_resident())
        # Linux' allocator gives back what it keeps of freed blocks.
        ctypes.CDLL(None).malloc_trim(0)
        sizes["in use"].append(_resident())
    return sizes


def _resident():
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize() >> 20


if __name__ == "__main__":
    app.run(main)
