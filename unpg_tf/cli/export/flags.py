r"""unpg export: writes a trained model as a SavedModel, for TensorFlow alone.

With the threshold that an evaluation chose, and the flip test as it had it:

    unpg export --model=runs/demo/model.keras \
        --threshold_from=runs/demo/report.json --output=saved_models/demo/1

With the threshold that lets one stranger in a hundred pass:

    unpg export --model=runs/demo/model.keras \
        --threshold_from=runs/demo/report.json --far=0.01 \
        --output=saved_models/demo/1

With one of your own:

    unpg export --model=runs/lfw/model.keras \
        --threshold=0.31 --output=saved_models/lfw/1

Its model card (assets.extra/model_card.json) holds the report, the flags of the
training from a flags.txt beside the model, and what these say:

    --data_name="LFW, View 1" --licence="CC-BY-4.0" --card=more.json

The SavedModel answers three signatures: serving_default embeds pixels,
encoded_images embeds JPEG and PNG files, verify says of two files whether they
show one identity. saved_models/README.md shows how to ask it.
"""

from absl import flags

from unpg_tf.cli.topics import Topic
from unpg_tf.cli.topics import expect_no
from unpg_tf.cli.topics import require

FLAGS = flags.FlagValues()
FIRST = ("model", "output", "threshold", "threshold_from", "far")

model = Topic("Model", FLAGS)
model.string("model", None, "A trained model's .keras file. Required.")
model.string(
    "output",
    None,
    "Folder to write, such as saved_models/demo/1. A model server expects a "
    "number as its last part, the version. Required.",
)
model.switch("overwrite", False, "Replace a SavedModel at --output.")
model.integer(
    "image_size",
    None,
    "Height and width of the model's images in pixels. Needed only where the "
    "model takes images of any size.",
    lower_bound=1,
)
answers = Topic("Threshold and flip test", FLAGS)
answers.number(
    "threshold",
    None,
    "Cosine from which on two images are of one identity. This or "
    "--threshold_from is required.",
    lower_bound=-1.0,
    upper_bound=1.0,
)
answers.string(
    "threshold_from",
    None,
    "Report that unpg evaluate wrote, to take the threshold from.",
)
answers.number(
    "far",
    None,
    "With --threshold_from: the false accept rate, one of the report's, whose "
    "threshold to take. By default the threshold of the best accuracy.",
    lower_bound=0.0,
    upper_bound=1.0,
)
answers.switch(
    "flip",
    None,
    "Average the embeddings of each image and of its mirror image. By "
    "default as the evaluation of --threshold_from did, else not.",
)
card = Topic("Model card", FLAGS)
card.string("data_name", None, "For the model card: the training data.")
card.string("licence", None, "For the model card: the model's licence.")
card.string(
    "card", None, "JSON file with an object of more facts for the model card."
)


def check(*arguments):
    """Raises a ValueError where flags miss or don't fit each other."""
    expect_no(arguments)
    require(FLAGS, "model", "output")
    if (FLAGS.threshold is None) == (FLAGS.threshold_from is None):
        given = "none" if FLAGS.threshold is None else "both"
        raise ValueError(
            "Expected either --threshold or --threshold_from. "
            f"Received: {given}"
        )
    if FLAGS.far is not None and FLAGS.threshold_from is None:
        raise ValueError(
            f"Expected --threshold_from with --far. Received: --far={FLAGS.far}"
        )
