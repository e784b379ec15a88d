"""Asks an exported model."""

import sys
from pathlib import Path

import numpy as np

from unpg_tf.cli import failures
from unpg_tf.cli.client.flags import FLAGS
from unpg_tf.data.folder import SUFFIXES
from unpg_tf.data.folder import is_image
from unpg_tf.progress import Progress
from unpg_tf.serving import clients
from unpg_tf.serving import galleries

_NO_IMAGE = "no JPEG or PNG image"
# Half precision overflows, and a network may have learned NaNs.
_NOT_FINITE = "an embedding that isn't finite"


def main(command, *arguments):
    """Does what is asked; exits with 1 and a message on an error."""
    commands = {"embed": _embed, "verify": _verify, "identify": _identify}
    with failures.told_by("unpg client"):
        commands[command](*arguments)


def _embed(folder):
    output = FLAGS.output
    files = sorted(
        path
        for path in Path(folder).rglob("*")
        if is_image(path.relative_to(folder).as_posix())
    )
    if not files:
        raise FileNotFoundError(
            "Expected a folder with images as "
            f"{', '.join(SUFFIXES)}. Received: {folder}"
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


def _verify(a, b):
    answer = _ask(
        _server(),
        "verify",
        ("similarity", "same", "valid"),
        image_bytes_a=[Path(a).read_bytes()],
        image_bytes_b=[Path(b).read_bytes()],
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
    rows, cosines = galleries.nearest(
        path, gallery, embeddings[0], FLAGS.top, FLAGS.index
    )
    for row, cosine in zip(rows, cosines, strict=True):
        print(f"{cosine:+.3f}  {gallery.files[row]}")


def _embeddings(server, files, progress=lambda done: None):
    """[n, dim] unit vectors of files, and [n] strings: what is wrong, or ""."""
    names, answers = ("embedding", "valid"), []
    for start in range(0, len(files), FLAGS.batch_size):
        batch = files[start : start + FLAGS.batch_size]
        contents = [path.read_bytes() for path in batch]
        answers.append(
            _ask(server, "encoded_images", names, image_bytes=contents)
        )
        progress(min(start + FLAGS.batch_size, len(files)))
    embeddings, valid = (
        np.concatenate([answer[name] for answer in answers]) for name in names
    )
    finite = np.isfinite(embeddings).all(axis=1)
    wrong = np.where(finite, "", _NOT_FINITE)
    return embeddings.astype(np.float32), np.where(valid, wrong, _NO_IMAGE)


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
