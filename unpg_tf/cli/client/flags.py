r"""unpg client: embeds a folder, compares photos, finds a face.

A model server's REST interface, its gRPC interface, or a SavedModel on disk:

    unpg client verify a.jpg b.jpg \
        --server=http://localhost:8501 --model_name=faces
    unpg client verify a.jpg b.jpg \
        --server=grpc://localhost:8500 --model_name=faces
    unpg client verify a.jpg b.jpg \
        --server=saved_models/faces

Who is it? Embeds the known images once, then searches them:

    unpg client embed people/ --output=gallery.npz
    unpg client identify photo.jpg --gallery=gallery.npz --top=5

--index=faiss, with both, keeps and asks an index for galleries too large to
compare with one by one. Faces must be cut and aligned as the training images
were: --align does it with photos as they come, like unpg align.
"""

from pathlib import Path

from absl import flags

from unpg_tf.cli.client import presence
from unpg_tf.cli.topics import Topic
from unpg_tf.cli.topics import require

FLAGS = flags.FlagValues()
FIRST = (
    "server",
    "model_name",
    "output",
    "gallery",
    "top",
    "threshold",
    "align",
)

server = Topic("Server", FLAGS)
server.string(
    "server",
    "http://localhost:8501",
    "http://HOST:PORT (REST), grpc://HOST:PORT, either with an s for TLS, or "
    "the folder of a SavedModel, or of its versions.",
)
server.string("model_name", "model", "The model's name on the server.")
server.integer("model_version", None, "Its version. By default the highest.")
server.string(
    "ca_file",
    None,
    "With https:// and grpcs://: a PEM file of the certificates that vouch for "
    "the server, where it isn't one of the well-known authorities.",
)
server.number(
    "timeout", 10.0, "Seconds that the server has for a request.", 0.001
)
server.integer(
    "retries", 3, "Further tries where the server is busy or away.", 0
)
server.integer("batch_size", 32, "Images in a request.", 1)
gallery = Topic("Gallery", FLAGS)
gallery.string("output", None, "embed: the gallery to write, an .npz.")
gallery.string("gallery", None, "identify: the gallery to search.")
gallery.integer("top", 5, "identify: how many people to list.", 1)
gallery.number(
    "threshold",
    None,
    "identify: the least cosine; a photo that is less similar to all is of "
    "somebody unknown. By default the model's own, which a SavedModel's folder "
    "tells, and a server doesn't.",
    -1,
    1,
)
gallery.choice(
    "index",
    "exact",
    ["exact", "faiss"],
    'How the gallery is searched. faiss needs pip install "unpg-tf[client]".',
)

faces = Topic("Photos", FLAGS)
faces.switch(
    "align",
    False,
    "Take photos as they come, and cut the face out, as unpg align does. "
    'Needs pip install "unpg-tf[align]", and [heic] for photos of phones.',
)
faces.choice(
    "face", "largest", ["largest", "central"], "Which face of a photo."
)
faces.integer("crop_size", 112, "Height and width of the crops, in pixels.", 1)
faces.string("detector", "mtcnn", "As of unpg align.")
faces.string("detector_model", None, "As of unpg align.")

# The numbers of files that each command takes, and the flag that it needs.
COMMANDS = {
    "embed": (1, ["output"]),
    "verify": (2, []),
    "identify": (1, ["gallery"]),
}


def check(*arguments):
    """Raises where arguments or flags miss, or what they name isn't there."""
    count, required = COMMANDS.get("".join(arguments[:1]), (None, []))
    if len(arguments) - 1 != count:
        raise ValueError(
            "Expected embed FOLDER, verify A B or identify PHOTO. "
            f"Received: {' '.join(arguments) or 'nothing'}"
        )
    require(FLAGS, *required)
    _expect_presence(*arguments)


def _expect_presence(command, *paths):
    if command == "embed" and not Path(*paths).is_dir():
        raise FileNotFoundError(
            f"Expected a folder of images. Received: {paths[0]}, no folder"
        )
    if command == "identify":
        presence.expect_file("a gallery, as embed writes it", FLAGS.gallery)
    for path in paths if command != "embed" else ():
        presence.expect_file("an image", path)
    presence.expect_server(FLAGS.server, FLAGS.retries, FLAGS.model_version)
