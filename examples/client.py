r"""Asks an exported model: embeds a folder, compares photos, finds a face.

A model server's REST interface, its gRPC interface, or a SavedModel on disk:

    python examples/client.py verify a.jpg b.jpg \
        --server=http://localhost:8501 --model_name=faces
    python examples/client.py verify a.jpg b.jpg \
        --server=grpc://localhost:8500 --model_name=faces
    python examples/client.py verify a.jpg b.jpg \
        --server=saved_models/faces/1

Who is it? Embeds the known images once, then searches them:

    python examples/client.py embed people/ --output=gallery.npz
    python examples/client.py identify photo.jpg --gallery=gallery.npz --top=5

--index=faiss, with both, keeps and asks an index for galleries too large to
compare with one by one. Faces must be cut and aligned as the training images
were.
"""

import sys
from pathlib import Path

import client_gallery
import client_servers
import failures
import numpy as np
from absl import app
from absl import flags

from unpg_tf.data.folder import SUFFIXES

FLAGS = flags.FLAGS
flags.DEFINE_string(
    "server",
    "http://localhost:8501",
    "http://HOST:PORT (REST), grpc://HOST:PORT, either with an s for TLS, or "
    "the folder of a SavedModel.",
)
flags.DEFINE_string(
    "ca_file",
    None,
    "With https:// and grpcs://: a PEM file of the certificates that vouch for "
    "the server, where it isn't one of the well-known authorities.",
)
flags.DEFINE_string("model_name", "model", "The model's name on the server.")
flags.DEFINE_integer(
    "model_version", None, "Its version. By default the server's highest."
)
flags.DEFINE_float(
    "timeout", 10.0, "Seconds that the server has for a request.", 0.001
)
flags.DEFINE_integer(
    "retries", 3, "Further tries where the server is busy or away.", 0
)
flags.DEFINE_integer("batch_size", 32, "Images in a request.", 1)
flags.DEFINE_string("output", None, "embed: the gallery to write, an .npz.")
flags.DEFINE_string("gallery", None, "identify: the gallery to search.")
flags.DEFINE_integer("top", 5, "identify: how many to list.", 1)
flags.DEFINE_enum(
    "index",
    "exact",
    ["exact", "faiss"],
    "How the gallery is searched. faiss needs pip install unpg-tf[client].",
)


def main(argv):
    """Does what is asked; exits with 1 and a message on an error."""
    commands = {
        "embed": (_embed, 1),
        "verify": (_verify, 2),
        "identify": (_identify, 1),
    }
    command, count = commands.get("".join(argv[1:2]), (None, 0))
    if command is None or len(argv) != 2 + count:
        raise app.UsageError(
            "Expected embed FOLDER, verify A B or identify PHOTO. "
            f"Received: {' '.join(argv[1:])}"
        )
    with failures.told_by("client.py"):
        command(*argv[2:])


def _embed(folder):
    output = _required("output")
    files = sorted(
        path
        for path in Path(folder).rglob("*")
        if path.suffix.lower() in SUFFIXES
    )
    if not files:
        raise FileNotFoundError(
            "Expected a folder with images as "
            f"{', '.join(SUFFIXES)}. Received: {folder}"
        )
    embeddings, valid = _embeddings(_server(), files)
    for file in np.asarray(files)[~valid]:
        print(f"{file}: no JPEG or PNG image, left out", file=sys.stderr)
    if not valid.any():
        raise ValueError(f"Expected a JPEG or PNG image. Received: {folder}")
    names = np.array([path.relative_to(folder).as_posix() for path in files])
    gallery = client_gallery.Gallery(names[valid], embeddings[valid])
    client_gallery.write_gallery(output, gallery, FLAGS.index)
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
    same = "the same" if answer["same"][0] else "two identities"
    print(f"{a}  {b}  similarity {answer['similarity'][0]:+.3f}  {same}")


def _identify(photo):
    path = _required("gallery")
    gallery = client_gallery.read_gallery(path)
    embeddings, valid = _embeddings(_server(), [Path(photo)])
    if not valid[0]:
        raise ValueError(f"Expected a JPEG or PNG image. Received: {photo}")
    rows, cosines = client_gallery.nearest(
        path, gallery, embeddings[0], FLAGS.top, FLAGS.index
    )
    for row, cosine in zip(rows, cosines, strict=True):
        print(f"{cosine:+.3f}  {gallery.files[row]}")


def _embeddings(server, files):
    """[n, dim] unit vectors of files, and [n] bool: whether it is an image."""
    names, answers = ("embedding", "valid"), []
    for start in range(0, len(files), FLAGS.batch_size):
        batch = files[start : start + FLAGS.batch_size]
        contents = [path.read_bytes() for path in batch]
        answers.append(
            _ask(server, "encoded_images", names, image_bytes=contents)
        )
    embeddings, valid = (
        np.concatenate([answer[name] for answer in answers]) for name in names
    )
    return embeddings.astype(np.float32), valid


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
    return client_servers.connect(
        FLAGS.server,
        FLAGS.model_name,
        FLAGS.model_version,
        FLAGS.timeout,
        FLAGS.retries,
        FLAGS.ca_file,
    )


def _required(name):
    if FLAGS[name].value is None:
        raise ValueError(f"Expected --{name}. Received: none")
    return FLAGS[name].value


if __name__ == "__main__":
    app.run(main)
