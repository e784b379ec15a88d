r"""How well and how fast `unpg align` cuts faces out of photos.

    python benchmarks/align.py --photos=lfw-250-sample --faces=lfw-112

The photos have `landmarks.csv`, the five points of another detector (YuNet),
and `pairs.txt`; the faces, LFW and its protocol files, were cut by these
points. Tables of

- the share of photos with a face, and how far the farthest corner of a crop is
  from that of the crop by the other points, in pixels of 112: MTCNN alone,
  averaged over the mirror image, with a second look at the upright crop, and
  both; on the photos as they are and turned by 40 degrees;
- photos a second: MTCNN alone, the aligner, and `unpg align` in processes;
- the AUC of the pairs, cut by the other points and by `unpg align`, of a model
  trained on the faces of DevTrain, and the interval of the difference.
"""

import csv
import itertools
import os
import tempfile
import time
from pathlib import Path

import numpy as np
from absl import app
from absl import flags
from faces import AUGMENT
from faces import CROP
from faces import DIM
from faces import SIZE
from faces import training_faces
from PIL import Image
from tensorflow import keras

from unpg_tf import backbones
from unpg_tf import data
from unpg_tf import evaluation
from unpg_tf import faces
from unpg_tf import layers
from unpg_tf import losses
from unpg_tf import metrics
from unpg_tf import models
from unpg_tf.faces.alignment import inverses

FLAGS = flags.FLAGS
flags.DEFINE_string("photos", None, "Folder of photos, with landmarks.csv.")
flags.DEFINE_string("faces", None, "Folder of LFW, cut and aligned.")
flags.DEFINE_list("parts", ["points", "speed", "auc"], "What to measure.")
flags.DEFINE_integer(
    "every", 1, "Takes one of so many photos for points and speed.", 1
)
flags.DEFINE_integer("epochs", 20, "Epochs of the model.", 1)
flags.DEFINE_integer("processes", os.cpu_count(), "Of `unpg align`.", 1)
flags.mark_flags_as_required(["photos", "faces"])

TURN = 40
BATCH = 64
CORNERS = np.array([0, 111, 111j, 111 + 111j])
VARIANTS = {
    "MTCNN": {"mirrored": False, "upright": False},
    "and mirrored": {"mirrored": True, "upright": False},
    "and upright": {"mirrored": False, "upright": True},
    "both": {"mirrored": True, "upright": True},
}


def main(_):
    landmarks = _landmarks()
    images = [faces.read_photo(Path(FLAGS.photos, file)) for file in landmarks]
    points = np.array([*landmarks.values()])
    if "points" in FLAGS.parts:
        _points(images[:: FLAGS.every], points[:: FLAGS.every])
    if "speed" in FLAGS.parts:
        _speed(images[:: FLAGS.every], [*landmarks][:: FLAGS.every])
    if "auc" in FLAGS.parts:
        _auc([*landmarks])


def _landmarks():
    """The points of each photo, by its path."""
    with Path(FLAGS.photos, "landmarks.csv").open(newline="") as file:
        rows = list(csv.reader(file))[1:]
    return {r[0]: np.array(r[1:11], float).reshape(5, 2) for r in rows}


def _points(images, points):
    print("| photos | points | found | median | 95 % | photos/s |")
    print("|---|---|---|---|---|---|")
    for turn, (name, options) in itertools.product((0, TURN), VARIANTS.items()):
        detector = faces.MTCNNDetector(**options)
        aligner = faces.Aligner(detector, face="central", min_face=0)
        turned = [_turned(image, turn) for image in images]
        aligner(turned[0])
        start = time.perf_counter()
        found = [aligner(image).faces for image in turned]
        speed = len(turned) / (time.perf_counter() - start)
        distances = [
            _distance(face[0].points, _turned_points(goal, turn, image))
            for face, goal, image in zip(found, points, turned, strict=True)
            if face
        ]
        median, most = np.percentile(distances, [50, 95])
        print(
            f"| {f'turned by {TURN}°' if turn else 'as they are'} | {name} "
            f"| {len(distances) / len(found):.1%} | {median:.2f} | {most:.2f} "
            f"| {speed:.1f} |",
            flush=True,
        )


def _distance(points, goal):
    """How far the farthest corner is, in pixels of the crop."""
    factor, shift = (v[0] for v in inverses([points], faces.TEMPLATE))
    other, start = (v[0] for v in inverses([goal], faces.TEMPLATE))
    there = (factor * CORNERS + shift - start) / other
    return np.abs(there - CORNERS).max()


def _turned(image, degrees):
    if not degrees:
        return image
    turned = Image.fromarray(image).rotate(degrees, Image.Resampling.BICUBIC)
    return np.array(turned)


def _turned_points(points, degrees, image):
    middle = (np.array(image.shape[1::-1]) - 1) / 2
    z = (points - middle) @ [1, 1j] * np.exp(-1j * np.radians(degrees))
    return np.stack([z.real, z.imag], axis=1) + middle


def _speed(images, files):
    import mtcnn

    bare = mtcnn.MTCNN()
    aligner = faces.Aligner(faces.load_detector("mtcnn"))
    # On a machine that does other things too, the CPU's time says more.
    print("\n| what | photos/s | CPU ms a photo |\n|---|---|---|")
    for name, do in (
        ("bare mtcnn", lambda x: bare.detect_faces(x, output_type="numpy")),
        ("the aligner", aligner),
    ):
        do(images[0])
        start, cpu = time.perf_counter(), time.process_time()
        for image in images:
            do(image)
        speed = len(images) / (time.perf_counter() - start)
        cpu = (time.process_time() - cpu) / len(images)
        print(f"| {name} | {speed:.1f} | {cpu * 1000:.0f} |", flush=True)
    times = []
    with tempfile.TemporaryDirectory() as output:
        faces.align_folder(
            FLAGS.photos,
            output,
            files,
            faces.Settings(face="central"),
            FLAGS.processes,
            lambda _: times.append(time.perf_counter()),
        )
    # From the first photos on: processes take seconds to start.
    first = len(times) // 10
    speed = (len(times) - 1 - first) / (times[-1] - times[first])
    name = f"unpg align, {FLAGS.processes} processes, files to files"
    print(f"| {name} | {speed:.1f} | |", flush=True)


def _auc(files):
    model = _trained()
    with tempfile.TemporaryDirectory() as output:
        records = faces.align_folder(
            FLAGS.photos,
            output,
            files,
            faces.Settings(face="central", file_format="png"),
            FLAGS.processes,
        )
        crops = {r.file: Path(output, r.crop) for r in records if r.crop}
        pairs = evaluation.read_pairs(
            Path(FLAGS.photos, "pairs.txt"), FLAGS.photos
        )
        names = [os.path.relpath(path, FLAGS.photos) for path in pairs.images]
        ours = _embedded(model, [str(crops[name]) for name in names])
    theirs = _embedded(model, [f"{FLAGS.faces}/{name}" for name in names])
    ours, theirs = (
        (rows[pairs.left] * rows[pairs.right]).sum(axis=1)
        for rows in (ours, theirs)
    )
    found = metrics.difference_intervals(
        ours, theirs, pairs.same, pairs.identities
    )
    print("\n| pairs cut by | AUC |\n|---|---|")
    print(f"| the other points | {metrics.auc(theirs, pairs.same):.4f} |")
    print(f"| unpg align | {metrics.auc(ours, pairs.same):.4f} |")
    print(f"\n95 % interval of the difference: {found['auc']}", flush=True)


def _trained():
    """A small network that knows DevTrain's people."""
    keras.utils.set_random_seed(0)
    images, labels = training_faces(FLAGS.faces, fewest=2)
    backbone = backbones.build("small", SIZE, DIM, center_crop=CROP)
    head = layers.CosFace(int(labels.max()) + 1, margin=0.2)
    model = models.EmbeddingModel(backbone, head)
    steps = len(labels) // BATCH
    schedule = keras.optimizers.schedules.CosineDecay(
        0.0,
        (FLAGS.epochs - 1) * steps,
        warmup_target=0.1,
        warmup_steps=steps,
    )
    optimizer = keras.optimizers.SGD(schedule, momentum=0.9, weight_decay=5e-3)
    optimizer.exclude_from_weight_decay(var_names=["bias", "gamma", "beta"])
    model.compile(optimizer, losses.MarginLoss(scale=32.0, embedding_dim=DIM))
    batches = data.training_batches(images, labels, BATCH, augment=AUGMENT)
    model.fit(batches, steps_per_epoch=steps, epochs=FLAGS.epochs, verbose=2)
    return model


def _embedded(model, paths):
    images = data.load_images(paths, SIZE)
    return evaluation.Embedder(model)(images)


if __name__ == "__main__":
    app.run(main)
