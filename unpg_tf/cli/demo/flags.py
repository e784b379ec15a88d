r"""unpg demo: train, evaluate, compare, export, ask, in a few minutes.

    unpg demo

Two models learn the same synthetic identities under the same settings, one with
UNPG's negative pairs and one without. Both are then evaluated on identities
that neither has seen, and compared; the one with UNPG is exported, and answers
in a process in which TensorFlow is alone. Nothing is downloaded.

Everything is written below the working directory, in place of what an earlier
demo left there:

    runs/demo/compared.png              ROC curves and histograms of both
    runs/demo/report.json, report_roc.png, report_similarities.png
    runs/demo/margin.json, ...          the same without the negative pairs
    runs/demo/unpg/, runs/demo/margin/  the trainings
    runs/demo/images/                   what the export is asked about
    saved_models/demo/1/                the export
"""

from absl import flags

from unpg_tf.cli.topics import Topic
from unpg_tf.cli.topics import expect_no

FLAGS = flags.FlagValues()
FIRST = ("identities", "images", "epochs", "pairs", "seed")

topic = Topic("Size", FLAGS)
topic.integer(
    "identities",
    50,
    "Number of synthetic identities to train on.",
    lower_bound=2,
)
topic.integer("images", 160, "Images of each of them.", lower_bound=2)
topic.integer("epochs", 8, "Passes over the training images.", lower_bound=1)
topic.integer("pairs", 1000, "Pairs to evaluate on.", lower_bound=40)
topic.integer("seed", 0, "Seed of both trainings.", lower_bound=0)


def check(*arguments):
    """Raises a ValueError where there are arguments."""
    expect_no(arguments)
