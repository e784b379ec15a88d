"""The images that train.py trains on, and the pairs that it verifies."""

from pathlib import Path

from absl import flags

from unpg_tf import data
from unpg_tf import evaluation

FLAGS = flags.FLAGS
SYNTHETIC_PAIRS = 400


def training_set():
    """Images (paths, or pixels where they are in memory) and labels."""
    if FLAGS.data == "synthetic":
        count = FLAGS.synthetic_identities * FLAGS.synthetic_images
        print(f"Drawing {count} images", flush=True)
        return data.labelled_images(
            FLAGS.synthetic_identities,
            FLAGS.synthetic_images,
            FLAGS.image_size,
            strengths=_strengths(),
        )
    images, labels, names = _files()
    print(f"{FLAGS.data}: {len(images)} images of {len(names)} identities")
    if not FLAGS.cache:
        return images, labels
    print("Decoding them into memory", flush=True)
    return data.load_images(images, FLAGS.image_size), labels


def _files():
    """Images as they are stored, their labels, the identities' names."""
    people = data.read_people(FLAGS.people) if FLAGS.people else None
    exclude = _excluded()
    if not FLAGS.data.endswith(".rec"):
        return data.read_folder(FLAGS.data, people, FLAGS.min_images, exclude)
    if people is not None:
        raise ValueError(
            "Expected --people with a folder. "
            f"Received: --people={FLAGS.people} --data={FLAGS.data}"
        )
    records = data.InsightFaceRecords(FLAGS.data, FLAGS.min_images, exclude)
    return records, records.labels, records.names


def _excluded():
    if FLAGS.exclude_people is None:
        return []
    lines = Path(FLAGS.exclude_people).read_text(encoding="utf-8").splitlines()
    return [line.strip() for line in lines if line.strip()]


def _strengths():
    names = data.Strengths._fields
    return data.Strengths(*(FLAGS[f"synthetic_{name}"].value for name in names))


def augmentation():
    """The random changes to training images."""
    return data.Augmentation(
        flip=FLAGS.flip,
        zoom=FLAGS.zoom,
        shift=FLAGS.shift,
        brightness=FLAGS.brightness,
        contrast=FLAGS.contrast,
        saturation=FLAGS.saturation,
    )


def verification():
    """The callback that verifies after each epoch, if there are pairs."""
    if FLAGS.data == "synthetic":
        pairs = evaluation.synthetic_pairs(
            SYNTHETIC_PAIRS, FLAGS.image_size, strengths=_strengths()
        )
        return [evaluation.VerificationCallback(pairs)]
    if FLAGS.pairs is None:
        return []
    pairs, threshold_pairs = (
        evaluation.read_pairs(path, FLAGS.data) if path else None
        for path in (FLAGS.pairs, FLAGS.threshold_pairs)
    )
    return [evaluation.VerificationCallback(pairs, threshold_pairs)]
