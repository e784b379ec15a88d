r"""Measures how well a model verifies whether two images show one identity.

Trained model, no data at hand (drawn identities):

    python examples/evaluate.py --model=runs/demo/model.keras \
        --report=runs/demo/report.json

Faces, LFW's View 1: the threshold comes from other pairs.

    python examples/evaluate.py --model=runs/lfw/model.keras \
        --data=lfw --pairs=lfw/pairsDevTest.txt \
        --threshold_pairs=lfw/pairsDevTrain.txt --report=runs/lfw/report.json

Faces, LFW's View 2: ten folds, each by the threshold of the other nine.

    python examples/evaluate.py --model=saved_models/lfw/1 \
        --data=lfw --pairs=lfw/pairs.txt --report=runs/lfw/report.json

Faces, one of InsightFace's .bin sets: ten folds in its own order.

    python examples/evaluate.py --model=runs/lfw/model.keras \
        --protocol=bin --data=agedb_30.bin --report=runs/lfw/agedb.json

The summary is printed. --report writes it as JSON, with two pictures beside
it: the ROC curve (report_roc.png) and the histograms of the similarities
(report_similarities.png).
"""

import sys
from pathlib import Path

from absl import app
from absl import flags

from unpg_tf import evaluation

FLAGS = flags.FLAGS

flags.DEFINE_string(
    "model",
    None,
    "A trained model: a .keras file, or the folder of a SavedModel whose "
    "serving_default signature takes images and gives embedding. Required.",
)
flags.DEFINE_enum(
    "protocol",
    "lfw",
    ["lfw", "bin"],
    "lfw: pairs by --pairs, or drawn ones. bin: --data is a .bin file.",
)
flags.DEFINE_string(
    "data",
    "synthetic",
    "Folder that holds a folder of images per identity, as LFW does "
    "(DATA/Ada_Lovelace/Ada_Lovelace_0001.jpg); or 'synthetic', drawn "
    "identities, which needs no --pairs.",
)
flags.DEFINE_string(
    "pairs",
    None,
    "Pairs to measure on, a file in LFW's format. Required with a folder.",
)
flags.DEFINE_string(
    "threshold_pairs",
    None,
    "Other pairs, in the same format, to choose the threshold on. Required "
    "where --pairs has one fold; not read where it has several, since each "
    "then gets the threshold of the others.",
)
flags.DEFINE_bool(
    "flip",
    True,
    "Sum the embeddings of each image and of its mirror image.",
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
    "With --data=synthetic: the number of pairs, in ten folds.",
    lower_bound=40,
)
flags.DEFINE_string("report", None, "JSON file to write the report to.")
flags.DEFINE_bool(
    "plots",
    True,
    "Draw the pictures beside --report. Needs matplotlib: "
    "pip install unpg-tf[plots].",
)


def main(argv):
    """Evaluates what the flags say; returns the exit code."""
    if len(argv) > 1:
        raise app.UsageError(f"Expected flags only. Received: {argv[1:]}")
    try:
        _evaluate()
    except (ImportError, OSError, ValueError) as error:
        sys.exit(f"evaluate.py: {error}")


def _evaluate():
    _check_flags()
    embedder = evaluation.Embedder(
        evaluation.load_model(FLAGS.model),
        FLAGS.image_size,
        FLAGS.flip,
        FLAGS.batch_size,
    )
    pairs, threshold_pairs = _pairs(embedder.image_size)
    report, similarities = evaluation.evaluate_pairs(
        embedder, pairs, threshold_pairs, verbose=1
    )
    print(_summary(report))
    if FLAGS.report:
        evaluation.write_report(FLAGS.report, report)
    if FLAGS.report and FLAGS.plots:
        _plot(report, similarities, pairs.same)


def _check_flags():
    if FLAGS.model is None:
        raise ValueError("Expected --model. Received: none")
    if FLAGS.protocol == "bin":
        for name in ("pairs", "threshold_pairs"):
            if FLAGS[name].value is not None:
                raise ValueError(
                    f"Expected --protocol=lfw with --{name}. "
                    "Received: --protocol=bin"
                )
    elif FLAGS.data == "synthetic":
        for name in ("pairs", "threshold_pairs"):
            if FLAGS[name].value is not None:
                raise ValueError(
                    f"Expected --data=FOLDER with --{name}. "
                    "Received: --data=synthetic"
                )
    elif FLAGS.pairs is None:
        raise ValueError(
            f"Expected --pairs with a folder. Received: --data={FLAGS.data} "
            "without"
        )


def _pairs(image_size):
    """The pairs to measure on, and those to choose the threshold on."""
    if FLAGS.protocol == "bin":
        return evaluation.read_bin(FLAGS.data), None
    if FLAGS.data == "synthetic":
        count = FLAGS.synthetic_pairs
        return evaluation.synthetic_pairs(count, image_size), None
    pairs = evaluation.read_pairs(FLAGS.pairs, FLAGS.data)
    if FLAGS.threshold_pairs is None:
        if pairs.num_folds == 1:
            raise ValueError(
                f"Expected --threshold_pairs, since {FLAGS.pairs} has one "
                "fold: a threshold chosen on the pairs that it is measured "
                "on would flatter. Received: none"
            )
        return pairs, None
    return pairs, evaluation.read_pairs(FLAGS.threshold_pairs, FLAGS.data)


def _summary(report):
    pairs, spread = report["pairs"], report["accuracy_std"]
    accuracy = f"{report['accuracy']:.4f}"
    if spread is not None:
        accuracy += f" +- {spread:.4f} over {report['folds']} folds"
    rates = {
        far: "too few pairs to say" if tar is None else f"{tar:.4f}"
        for far, tar in report["tar_at_far"].items()
    }
    rows = {
        "pairs": f"{pairs['total']} of {report['pairs_name']}: "
        f"{pairs['same']} of one identity, {pairs['different']} of two",
        "accuracy": accuracy,
        "threshold": f"{report['threshold']:.4f} "
        f"from {report['threshold_source']}",
        "AUC": f"{report['auc']:.4f}",
        "EER": f"{report['eer']:.4f}",
        **{f"TAR at FAR {far}": rate for far, rate in rates.items()},
        "inf S^p": f"{report['inf_positive']:.4f}",
        "sup S^n": f"{report['sup_negative']:.4f}",
        "flip test": "yes" if report["flip"] else "no",
    }
    return "\n".join(f"{name:<18} {value}" for name, value in rows.items())


def _plot(report, similarities, same):
    stem = Path(FLAGS.report).with_suffix("")
    title = f"{Path(FLAGS.model).name} on {report['pairs_name']}"
    evaluation.plot_roc(f"{stem}_roc.png", similarities, same, title)
    evaluation.plot_similarities(
        f"{stem}_similarities.png",
        similarities,
        same,
        report["threshold"],
        title,
    )


if __name__ == "__main__":
    app.run(main)
