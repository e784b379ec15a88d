r"""unpg evaluate: measures whether a model tells identities apart.

Trained model, no data at hand (synthetic identities):

    unpg evaluate --model=runs/demo/model.keras \
        --report=runs/demo/report.json

Faces, LFW's View 1: the threshold comes from other pairs.

    unpg evaluate --model=runs/lfw/model.keras \
        --data=lfw --pairs=lfw/pairsDevTest.txt \
        --threshold_pairs=lfw/pairsDevTrain.txt --report=runs/lfw/report.json

Faces, LFW's View 2: ten folds, each by the threshold of the other nine.

    unpg evaluate --model=saved_models/lfw/1 \
        --data=lfw --pairs=lfw/pairs.txt --report=runs/lfw/report.json

Faces, one of InsightFace's .bin sets: ten folds in its own order.

    unpg evaluate --model=runs/lfw/model.keras \
        --protocol=bin --data=agedb_30.bin --report=runs/lfw/agedb.json

IJB-B or IJB-C, templates 1:1 and 1:N, in InsightFace's layout; --nokeep_norm,
--nodetector_score and --noflip are its three switches.

    unpg evaluate --model=runs/ms1m/model.keras \
        --protocol=ijb --data=IJB_release/IJBC --report=runs/ms1m/ijbc.json

K-FACE, by pair lists.

    unpg evaluate --model=runs/kface/model.keras \
        --protocol=kface --data=kface --pairs=kface.Q1.txt,kface.Q2.txt \
        --report=runs/kface/report.json

Identification among distractors, as MegaFace does.

    unpg evaluate --model=runs/ms1m/model.keras \
        --protocol=identification --data=facescrub --distractors=megaface \
        --cache_dir=runs/cache --report=runs/ms1m/megaface.json

Embeddings that are kept in --cache_dir, or come from elsewhere, need no model.

    unpg evaluate --embeddings=runs/cache/FILE.npz \
        --protocol=bin --data=agedb_30.bin --report=runs/lfw/agedb.json

The summary is printed. --report writes it as JSON, with two pictures beside
it: the ROC curve (report_roc.png) and the histograms of the similarities
(report_similarities.png).
"""

from absl import flags

from unpg_tf.cli.topics import Topic
from unpg_tf.cli.topics import expect_no

FLAGS = flags.FlagValues()
FIRST = ("model", "data", "protocol", "pairs", "threshold_pairs", "report")
PROTOCOLS = ("lfw", "bin", "ijb", "kface", "identification")

model = Topic("Model", FLAGS)
model.string(
    "model",
    None,
    "A trained model: a .keras file, or the folder of a SavedModel whose "
    "serving_default signature takes images and gives embedding. Required "
    "without --embeddings.",
)
model.string(
    "embeddings",
    None,
    "Embeddings to evaluate without the model: an .npz file with embeddings "
    "[n, dim] and names [n], the images' paths under --data; without names, "
    "in the order of the images. --cache_dir writes such files.",
)
model.string(
    "cache_dir",
    None,
    "Folder to keep embeddings in. They are read from there where the model "
    "and the images are the same as before.",
)
model.switch(
    "flip",
    True,
    "Sum the embeddings of each image and of its mirror image.",
)
model.integer("batch_size", 64, "Images per batch.", lower_bound=1)
model.integer(
    "image_size",
    None,
    "Height and width of the images in pixels. Needed only where the model "
    "takes images of any size.",
    lower_bound=1,
)
protocol = Topic("Protocol and data", FLAGS)
protocol.choice(
    "protocol",
    "lfw",
    PROTOCOLS,
    "lfw: pairs by --pairs, or synthetic ones. bin: --data is a .bin file. "
    "ijb: --data is IJB-B's or IJB-C's folder, templates 1:1 and 1:N. kface: "
    "pair lists by --pairs. identification: the identities in --data, "
    "searched among --distractors, as MegaFace does.",
)
protocol.string(
    "data",
    "synthetic",
    "Folder that holds a folder of images per identity, as LFW does "
    "(DATA/Ada_Lovelace/Ada_Lovelace_0001.jpg); or what --protocol says; or "
    "'synthetic', identities made up here, which needs no --pairs.",
)
protocol.listed(
    "pairs",
    None,
    "Pairs to measure on: a file in LFW's format, required with a folder; or "
    "with --protocol=kface one list or several, divided by commas.",
)
protocol.string(
    "threshold_pairs",
    None,
    "Other pairs, in LFW's format, to choose the threshold on. Required "
    "where --pairs has one fold; not read where it has several, since each "
    "then gets the threshold of the others.",
)
protocol.string(
    "distractors",
    None,
    "With --protocol=identification: strangers, a folder of a folder of "
    "images per identity, or an .npz file of embeddings [n, dim].",
)
protocol.integer(
    "synthetic_pairs",
    1000,
    "With --data=synthetic: the number of pairs, in ten folds, or of "
    "distractors.",
    lower_bound=40,
)
protocol.switch(
    "keep_norm",
    True,
    "With --protocol=ijb: an image weighs as much as its embedding's norm.",
)
protocol.switch(
    "detector_score",
    True,
    "With --protocol=ijb: an image weighs as much as the detector's score.",
)
report = Topic("Report", FLAGS)
report.string("report", None, "JSON file to write the report to.")
report.switch(
    "plots",
    True,
    "Draw the pictures beside --report. Needs matplotlib: "
    'pip install "unpg-tf[plots]".',
)
report.integer(
    "bootstrap",
    1000,
    "Draws behind the 95 % intervals; 0 for no intervals.",
    lower_bound=0,
)

# Which flags belong to which protocols.
_PROTOCOLS_OF = {
    "pairs": ("lfw", "kface"),
    "threshold_pairs": ("lfw",),
    "distractors": ("identification",),
}
_DATA_OF = {
    "bin": "--data=FILE.bin",
    "ijb": "--data=FOLDER",
    "kface": "--data=FOLDER",
}


def check(*arguments):
    """Raises a ValueError where flags miss or don't fit each other."""
    expect_no(arguments)
    if FLAGS.model is None and FLAGS.embeddings is None:
        raise ValueError("Expected --model. Received: none")
    if FLAGS.model is not None and FLAGS.embeddings is not None:
        raise ValueError(
            "Expected --model, or --embeddings in its place. Received: both"
        )
    if FLAGS.embeddings is not None and FLAGS.cache_dir is not None:
        raise ValueError("Expected --model with --cache_dir. Received: none")
    for name, protocols in _PROTOCOLS_OF.items():
        if FLAGS[name].value is None or FLAGS.protocol in protocols:
            continue
        choices = "|".join(protocols)
        raise ValueError(
            f"Expected --protocol={choices} with --{name}. "
            f"Received: --protocol={FLAGS.protocol}"
        )
    if FLAGS.data == "synthetic":
        _check_synthetic()
    else:
        _check_files()


def _check_synthetic():
    if FLAGS.protocol in _DATA_OF:
        raise ValueError(
            f"Expected {_DATA_OF[FLAGS.protocol]} with "
            f"--protocol={FLAGS.protocol}. Received: --data=synthetic"
        )
    for name in _PROTOCOLS_OF:
        if FLAGS[name].value is not None:
            raise ValueError(
                f"Expected --data=FOLDER with --{name}. "
                "Received: --data=synthetic"
            )
    if FLAGS.embeddings is not None and FLAGS.image_size is None:
        raise ValueError(
            "Expected --data=FOLDER with --embeddings, or --image_size to "
            "draw as the model had it. Received: --data=synthetic"
        )


def _check_files():
    if FLAGS.protocol in ("lfw", "kface") and not FLAGS.pairs:
        raise ValueError(
            f"Expected --pairs with a folder. Received: --data={FLAGS.data} "
            "without"
        )
    if FLAGS.protocol == "lfw" and len(FLAGS.pairs) > 1:
        raise ValueError(
            f"Expected one file with --pairs. Received: {','.join(FLAGS.pairs)}"
        )
    if FLAGS.protocol == "identification" and FLAGS.distractors is None:
        raise ValueError(
            f"Expected --distractors with --data={FLAGS.data}. Received: none"
        )
