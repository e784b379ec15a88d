r"""unpg align: cuts aligned faces out of photos, for training and use.

Photos in, in a folder per person or in one folder; aligned crops out:

    pip install "unpg-tf[align,heic]"
    unpg align --data=photos --output=faces --sheet=sheet.jpg
    unpg train --data=faces --image_size=112 --output_dir=runs/faces

Look at the sheet, and at OUTPUT/align.csv, which has a line for each photo:
faces found, box, points, score, and why one gave no crop. JPEG, PNG, WebP,
BMP, GIF and HEIC are read; the orientation that the camera noted is applied.
An interrupted run, started again, goes on where it stopped.
"""

import os
from pathlib import Path

from absl import flags

from unpg_tf.cli.topics import Topic
from unpg_tf.cli.topics import expect_no
from unpg_tf.cli.topics import require

FLAGS = flags.FlagValues()
FIRST = ("data", "output", "sheet", "shards", "face", "processes")

files = Topic("Files", FLAGS)
files.string("data", None, "Folder of photos, and of folders of photos.")
files.string("output", None, "Folder to write the crops to, and align.csv.")
files.string(
    "shards",
    None,
    "Folder to write the crops to as TFRecord shards too, as unpg convert "
    "does; an identity is a folder of OUTPUT.",
)
files.choice(
    "person",
    "first",
    ["first", "last", "none"],
    "Which folder on the way to a photo is the person's: the first or the "
    "last; the names of the others go before the file's. none keeps all "
    "folders as they are.",
)
files.choice("file_format", "jpg", ["jpg", "png"], "Format of the crops.")

face = Topic("Faces", FLAGS)
face.integer("image_size", 112, "Height and width of the crops, in pixels.", 1)
face.choice(
    "face",
    "largest",
    ["largest", "central", "all"],
    "Which face of a photo: the largest, the most central one, or all.",
)
face.integer(
    "min_face",
    40,
    "Leave out faces whose box has no side of so many pixels of the photo.",
    0,
)
face.number(
    "min_score",
    None,
    "Leave out faces of a lower score. By default 0.9 with mtcnn, 0.7 with "
    "yunet, and none with a detector of your own that has no min_score.",
)

detector = Topic("Detector", FLAGS)
detector.string(
    "detector",
    "mtcnn",
    "mtcnn; yunet, by OpenCV; or module:callable, a detector of your own: "
    "from an image, [height, width, 3] uint8 RGB, to boxes [n, 4] (left, top, "
    "right, bottom), points [n, 5, 2] and scores [n]; a class is made once "
    "in each process.",
)
detector.string(
    "detector_model",
    None,
    "With yunet: face_detection_yunet_2023mar.onnx of OpenCV's model zoo.",
)
detector.integer(
    "detection_size",
    1024,
    "Photos with a longer side are shrunk to it before the detection. The "
    "crops are cut from the photo itself.",
    32,
)
detector.integer(
    "processes",
    os.cpu_count() or 1,
    "How many processes look for faces. With 1 a GPU is used if there is one.",
    1,
)

sheet = Topic("Contact sheet", FLAGS)
sheet.string(
    "sheet",
    None,
    "Picture to write, a .jpg or .png: crops side by side, and photos in "
    "which no face was found.",
)
sheet.integer("sheet_faces", 100, "Crops on it, taken evenly from all.", 1)


def check(*arguments):
    """Raises where arguments or flags miss, or the photos aren't there."""
    expect_no(arguments)
    require(FLAGS, "data", "output")
    if not Path(FLAGS.data).is_dir():
        raise FileNotFoundError(
            f"Expected a folder of photos. Received: --data={FLAGS.data}"
        )
    if FLAGS.detector == "yunet":
        require(FLAGS, "detector_model")
    elif FLAGS.detector != "mtcnn" and ":" not in FLAGS.detector:
        raise ValueError(
            "Expected --detector=mtcnn, yunet or module:callable. "
            f"Received: {FLAGS.detector}"
        )
    if FLAGS.shards and FLAGS.person == "none":
        raise ValueError(
            "Expected --person=first or last with --shards. Received: none"
        )
    if Path(FLAGS.output).resolve() == Path(FLAGS.data).resolve():
        raise ValueError(
            "Expected an --output other than --data. "
            f"Received: {FLAGS.output} for both"
        )
