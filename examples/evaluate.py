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

IJB-B or IJB-C, templates 1:1 and 1:N, in InsightFace's layout; --nokeep_norm,
--nodetector_score and --noflip are its three switches.

    python examples/evaluate.py --model=runs/ms1m/model.keras \
        --protocol=ijb --data=IJB_release/IJBC --report=runs/ms1m/ijbc.json

K-FACE, by pair lists.

    python examples/evaluate.py --model=runs/kface/model.keras \
        --protocol=kface --data=kface --pairs=kface.Q1.txt,kface.Q2.txt \
        --report=runs/kface/report.json

Identification among distractors, as MegaFace does.

    python examples/evaluate.py --model=runs/ms1m/model.keras \
        --protocol=identification --data=facescrub --distractors=megaface \
        --cache_dir=runs/cache --report=runs/ms1m/megaface.json

Embeddings that are kept in --cache_dir, or come from elsewhere, need no model.

    python examples/evaluate.py --embeddings=runs/cache/FILE.npz \
        --protocol=bin --data=agedb_30.bin --report=runs/lfw/agedb.json

The summary is printed. --report writes it as JSON, with two pictures beside
it: the ROC curve (report_roc.png) and the histograms of the similarities
(report_similarities.png).
"""

from pathlib import Path

import evaluate_flags
import failures
from absl import app
from absl import flags
from evaluate_protocols import PROTOCOLS

from unpg_tf import evaluation

FLAGS = flags.FLAGS
flags.adopt_module_key_flags(evaluate_flags)


def main(argv):
    """Evaluates what the flags say; returns the exit code."""
    if len(argv) > 1:
        raise app.UsageError(f"Expected flags only. Received: {argv[1:]}")
    with failures.told_by("evaluate.py"):
        _evaluate()


def _evaluate():
    evaluate_flags.check_flags()
    embedder, image_size = _embedder()
    report, pictures = PROTOCOLS[FLAGS.protocol](embedder, image_size)
    report = {"protocol": FLAGS.protocol, **report}
    print(_summary(report))
    if FLAGS.report:
        evaluation.write_report(FLAGS.report, report)
    if FLAGS.report and FLAGS.plots:
        for picture in pictures:
            _plot(picture)


def _embedder():
    """What gives embeddings of images, and the size of these."""
    root = FLAGS.data if Path(FLAGS.data).is_dir() else "."
    if FLAGS.embeddings:
        stored = evaluation.StoredEmbeddings(FLAGS.embeddings, root)
        return stored, FLAGS.image_size
    embedder = evaluation.Embedder(
        evaluation.load_model(FLAGS.model),
        FLAGS.image_size,
        FLAGS.flip,
        FLAGS.batch_size,
        unit_length=False,
    )
    size = embedder.image_size
    if FLAGS.cache_dir:
        embedder = evaluation.CachedEmbedder(
            embedder, FLAGS.cache_dir, FLAGS.model, root
        )
    return embedder, size


def _summary(report):
    rows = {"protocol": report["protocol"], **_pairs_rows(report)}
    if report["accuracy"] is not None:
        rows |= _accuracy_rows(report)
    if report["auc"] is not None:
        rows |= _rates_rows(report)
    for name, part in report.get("lists", {}).items():
        rows |= _rates_of(f"{name} ", "TAR at FAR", part["tar_at_far"])
    found = report.get("identification") or report
    if "rank" in found:
        rows |= _rates_of("", "rank", found["rank"])
        rows |= _rates_of("", "TPIR at FPIR", found["tpir_at_fpir"])
    sizes = report.get("rank_1_at_size", {})
    rows |= _rates_of("", "rank 1 of", sizes)
    switches = report.get("switches", {})
    for name, on in {**switches, "flip test": report["flip"]}.items():
        rows[name] = {True: "yes", False: "no", None: "not known"}[on]
    return "\n".join(f"{name:<18} {value}" for name, value in rows.items())


def _pairs_rows(report):
    pairs = report["pairs"]
    return {
        "pairs": f"{pairs['total']} of {report['pairs_name']}: "
        f"{pairs['same']} of one identity, {pairs['different']} of two"
    }


def _accuracy_rows(report):
    accuracy = f"{report['accuracy']:.4f}"
    if report["accuracy_std"] is not None:
        accuracy += (
            f" +- {report['accuracy_std']:.4f} over {report['folds']} folds"
        )
    return {
        "accuracy": accuracy + _interval(report, "accuracy"),
        "threshold": f"{report['threshold']:.4f} "
        f"from {report['threshold_source']}",
    }


def _rates_rows(report):
    return {
        "AUC": f"{report['auc']:.4f}" + _interval(report, "auc"),
        "EER": f"{report['eer']:.4f}" + _interval(report, "eer"),
        **_rates_of("", "TAR at FAR", report["tar_at_far"]),
        "inf S^p": f"{report['inf_positive']:.4f}",
        "sup S^n": f"{report['sup_negative']:.4f}",
    }


def _rates_of(prefix, name, rates):
    return {
        f"{prefix}{name} {key}": "too few pairs to say"
        if rate is None
        else f"{rate:.4f}"
        for key, rate in rates.items()
    }


def _interval(report, name):
    """The 95 % interval, where there is one."""
    edges = (report["intervals"] or {}).get(name)
    return f" [{edges[0]:.4f}, {edges[1]:.4f}]" if edges else ""


def _plot(picture):
    stem = str(Path(FLAGS.report).with_suffix("")) + picture.suffix
    source = Path(FLAGS.model or FLAGS.embeddings)
    trained = evaluation.training_of(source) if FLAGS.model else ""
    name = f"{source.name} ({trained})" if trained else source.name
    title = f"{name} on {picture.report['pairs_name']}"
    scores = picture.similarities, picture.same
    names, kinds = {}, {}
    if FLAGS.protocol == "identification":
        names["labels"] = "FPIR", "TPIR"
        kinds["kinds"] = "probes' nearest distractors", "probes' mates"
    threshold = picture.report["threshold"]
    evaluation.plot_roc(f"{stem}_roc.png", *scores, title, **names)
    evaluation.plot_similarities(
        f"{stem}_similarities.png", *scores, threshold, title, **kinds
    )


if __name__ == "__main__":
    app.run(main)
