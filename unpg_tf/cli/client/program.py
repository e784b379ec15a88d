"""Asks an exported model."""

import itertools
import sys
from pathlib import Path
from pathlib import PurePosixPath

import numpy as np

from unpg_tf import faces
from unpg_tf import json_files
from unpg_tf.cli import failures
from unpg_tf.cli.client.flags import FLAGS
from unpg_tf.files import saved_model_folder
from unpg_tf.progress import Progress
from unpg_tf.serving import clients
from unpg_tf.serving import galleries
from unpg_tf.serving.card import CARD_FILE

# What the signatures decode.
_SUFFIXES = (".jpg", ".jpeg", ".png")
_NO_IMAGE = "no JPEG or PNG image"
_NOT_FINITE = "an embedding that isn't finite"


def main(command, *arguments):
    """Does what is asked; exits with 1 and a message on an error."""
    commands = {"embed": _embed, "verify": _verify, "identify": _identify}
    with failures.told_by("unpg client"):
        commands[command](*arguments)


def _embed(folder):
    output = FLAGS.output
    suffixes = faces.photos.SUFFIXES if FLAGS.align else _SUFFIXES
    files = sorted(
        path
        for path in Path(folder).rglob("*")
        if _is_shown(path.relative_to(folder), suffixes)
    )
    if not files:
        raise FileNotFoundError(
            "Expected a folder with images as "
            f"{', '.join(suffixes)}. Received: {folder}"
        )
    progress = Progress(f"Embedding {len(files)} images", len(files))
    embeddings, wrong = _embeddings(_server(), files, progress)
    for file, reason in zip(files, wrong, strict=True):
        if reason:
            print(f"{file}: {reason}, left out", file=sys.stderr)
    valid = wrong == ""
    if not valid.any():
        raise ValueError(
            "Expected a JPEG or PNG image with a finite embedding. "
            f"Received: none in {folder}"
        )
    names = np.array([path.relative_to(folder).as_posix() for path in files])
    gallery = galleries.Gallery(names[valid], embeddings[valid])
    galleries.write_gallery(output, gallery, FLAGS.index)
    print(f"{output}: {valid.sum()} of {len(files)} images")


def _is_shown(path, suffixes):
    """Whether it is an image's name, and not hidden."""
    hidden = any(part.startswith(".") for part in path.parts)
    return path.name.lower().endswith(suffixes) and not hidden


def _verify(a, b):
    contents = dict(zip((a, b), _contents([Path(a), Path(b)]), strict=True))
    for path, (_, reason) in contents.items():
        if reason:
            raise ValueError(f"Expected a face in {path}. Received: {reason}")
    answer = _ask(
        _server(),
        "verify",
        ("similarity", "same", "valid"),
        image_bytes_a=[contents[a][0]],
        image_bytes_b=[contents[b][0]],
    )
    if not answer["valid"][0]:
        raise ValueError(f"Expected two JPEG or PNG images. Received: {a} {b}")
    if not np.isfinite(answer["similarity"][0]):
        raise ValueError(
            f"Expected finite embeddings. Received: others of {a} or {b}"
        )
    same = "the same" if answer["same"][0] else "two identities"
    print(f"{a}  {b}  similarity {answer['similarity'][0]:+.3f}  {same}")


def _identify(photo):
    path = FLAGS.gallery
    gallery = galleries.read_gallery(path)
    embeddings, (wrong,) = _embeddings(_server(), [Path(photo)])
    if wrong:
        raise ValueError(
            "Expected a JPEG or PNG image with a finite embedding. "
            f"Received: {photo}, {wrong}"
        )
    for line in _people(path, gallery, embeddings[0]):
        print(line)


def _people(path, gallery, embedding):
    """The answer, and the people who are most similar."""
    owners = np.array([_person(file) for file in gallery.files])
    _, counts = np.unique(owners, return_counts=True)
    # As many images as it takes until so many people are among them.
    rows, cosines = galleries.nearest(
        path, gallery, embedding, FLAGS.top * int(counts.max()), FLAGS.index
    )
    best = {}
    for owner, cosine in zip(owners[rows], cosines, strict=True):
        best.setdefault(str(owner), cosine)
    threshold = _threshold()
    first, highest = next(iter(best.items()))
    is_known = threshold is None or highest >= threshold
    yield first if is_known else f"unknown (threshold {threshold:+.3f})"
    for owner, cosine in [*best.items()][: FLAGS.top]:
        yield f"  {cosine:+.3f}  {owner}"


def _person(file):
    """Who is in an image of a gallery: the folder, or else the file's name."""
    path = PurePosixPath(file)
    return path.parts[0] if len(path.parts) > 1 else path.stem


def _threshold():
    """The flag's, or the model's own; None where nobody tells it."""
    if FLAGS.threshold is not None:
        return FLAGS.threshold
    if "://" not in FLAGS.server:
        folder = saved_model_folder(FLAGS.server, FLAGS.model_version)
        card = folder / CARD_FILE
        if card.is_file():
            decision = json_files.read_object(card).get("decision")
            decision = decision if isinstance(decision, dict) else {}
            return json_files.number(
                decision.get("threshold"), '"threshold"', card, -1.001, 1.001
            )
    print(
        "No threshold: the most similar is named, whoever it is. "
        "--threshold says from which cosine on.",
        file=sys.stderr,
    )
    return None


def _embeddings(server, files, progress=lambda done: None):
    """[n, dim] unit vectors of files, and [n] strings: what is wrong, or ""."""
    names, found, wrong = ("embedding", "valid"), {}, []
    contents = _contents(files)
    for start in range(0, len(files), FLAGS.batch_size):
        batch = [*itertools.islice(contents, FLAGS.batch_size)]
        rows = [row for row, (_, reason) in enumerate(batch) if not reason]
        wrong += [reason for _, reason in batch]
        if rows:
            images = [batch[row][0] for row in rows]
            answer = _ask(server, "encoded_images", names, image_bytes=images)
            for row, embedding, valid in zip(
                rows, *(answer[name] for name in names), strict=True
            ):
                found[start + row] = embedding
                # Half precision overflows, and a network may learn NaNs.
                finite = np.isfinite(embedding).all()
                told = "" if finite else _NOT_FINITE
                wrong[start + row] = told if valid else _NO_IMAGE
        progress(len(wrong))
    dim = len(next(iter(found.values()))) if found else 0
    embeddings = np.zeros((len(files), dim), np.float32)
    for row, embedding in found.items():
        embeddings[row] = embedding
    return embeddings, np.array(wrong)


def _contents(files):
    """Yields the bytes of each image, and why there are none, or ""."""
    if not FLAGS.align:
        yield from ((path.read_bytes(), "") for path in files)
        return
    settings = faces.Settings(
        detector=FLAGS.detector,
        detector_model=FLAGS.detector_model,
        image_size=FLAGS.crop_size,
        face=FLAGS.face,
        min_face=0,
    )
    yield from faces.aligned_files(files, settings)


def _ask(server, signature, names, **inputs):
    """The answer of a signature that gives these names, at the least."""
    answer = server.ask(signature, **inputs)
    if not set(names) <= set(answer):
        raise ValueError(
            f"Expected a model whose {signature} gives {', '.join(names)}. "
            f"Received: {', '.join(sorted(answer))}"
        )
    return answer


def _server():
    return clients.connect(
        FLAGS.server,
        FLAGS.model_name,
        FLAGS.model_version,
        FLAGS.timeout,
        FLAGS.retries,
        FLAGS.ca_file,
    )
