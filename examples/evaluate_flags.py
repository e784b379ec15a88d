"""The flags of evaluate.py, and whether they fit together."""

from absl import flags

FLAGS = flags.FLAGS
PROTOCOLS = ("lfw", "bin", "ijb", "kface", "identification")

flags.DEFINE_string(
    "model",
    None,
    "A trained model: a .keras file, or the folder of a SavedModel whose "
    "serving_default signature takes images and gives embedding. Required "
    "without --embeddings.",
)
flags.DEFINE_string(
    "embeddings",
    None,
    "Embeddings to evaluate without the model: an .npz file with embeddings "
    "[n, dim] and names [n], the images' paths under --data; without names, "
    "in the order of the images. --cache_dir writes such files.",
)
flags.DEFINE_string(
    "cache_dir",
    None,
    "Folder to keep embeddings in. They are read from there where the model "
    "and the images are the same as before.",
)
flags.DEFINE_enum(
    "protocol",
    "lfw",
    PROTOCOLS,
    "lfw: pairs by --pairs, or drawn ones. bin: --data is a .bin file. ijb: "
    "--data is IJB-B's or IJB-C's folder, templates 1:1 and 1:N. kface: pair "
    "lists by --pairs. identification: the identities in --data, searched "
    "among --distractors, as MegaFace does.",
)
flags.DEFINE_string(
    "data",
    "synthetic",
    "Folder that holds a folder of images per identity, as LFW does "
    "(DATA/Ada_Lovelace/Ada_Lovelace_0001.jpg); or what --protocol says; or "
    "'synthetic', drawn identities, which needs no --pairs.",
)
flags.DEFINE_list(
    "pairs",
    None,
    "Pairs to measure on: a file in LFW's format, required with a folder; or "
    "with --protocol=kface one list or several, divided by commas.",
)
flags.DEFINE_string(
    "threshold_pairs",
    None,
    "Other pairs, in LFW's format, to choose the threshold on. Required "
    "where --pairs has one fold; not read where it has several, since each "
    "then gets the threshold of the others.",
)
flags.DEFINE_string(
    "distractors",
    None,
    "With --protocol=identification: strangers, a folder of a folder of "
    "images per identity, or an .npz file of embeddings [n, dim].",
)
flags.DEFINE_bool(
    "flip",
    True,
    "Sum the embeddings of each image and of its mirror image.",
)
flags.DEFINE_bool(
    "keep_norm",
    True,
    "With --protocol=ijb: an image weighs as much as its embedding's norm.",
)
flags.DEFINE_bool(
    "detector_score",
    True,
    "With --protocol=ijb: an image weighs as much as the detector's score.",
)
flags.DEFINE_integer("batch_size", 64, "Images per batch.", lower_bound=1)
flags.DEFINE_integer(
    "image_size",
    None,
    "Height and width of the images in pixels. Needed only where the model "
    "takes images of any size.",
    lower_bound=1,
)
flags.DEFINE_integer(
    "synthetic_pairs",
    1000,
    "With --data=synthetic: the number of pairs, in ten folds, or of "
    "distractors.",
    lower_bound=40,
)
flags.DEFINE_integer(
    "bootstrap",
    1000,
    "Draws behind the 95 % intervals; 0 for no intervals.",
    lower_bound=0,
)
flags.DEFINE_string("report", None, "JSON file to write the report to.")
flags.DEFINE_bool(
    "plots",
    True,
    "Draw the pictures beside --report. Needs matplotlib: "
    "pip install unpg-tf[plots].",
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


def check_flags():
    """Raises a ValueError where flags miss or don't fit each other."""
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
