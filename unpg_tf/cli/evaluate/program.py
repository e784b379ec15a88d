"""Measures a model by a protocol, and writes its report and pictures."""

from pathlib import Path

from unpg_tf import evaluation
from unpg_tf.cli import descriptions
from unpg_tf.cli import failures
from unpg_tf.cli.evaluate.flags import FLAGS
from unpg_tf.cli.evaluate.protocols import PROTOCOLS


def main():
    """Evaluates what the flags say; returns the exit code."""
    with failures.told_by("unpg evaluate"):
        _evaluate()


def _evaluate():
    print(descriptions.of_machine())
    embedder, image_size = _embedder()
    report, pictures = PROTOCOLS[FLAGS.protocol](embedder, image_size)
    report = {"protocol": FLAGS.protocol, **report}
    print(_summary(report))
    if not FLAGS.report:
        return
    evaluation.write_report(FLAGS.report, report)
    written = [FLAGS.report]
    for picture in pictures if FLAGS.plots else ():
        written += _plot(picture)
    print(descriptions.of_files(written))


def _embedder():
    """What gives embeddings of images, and the size of these."""
    root = FLAGS.data if Path(FLAGS.data).is_dir() else "."
    if FLAGS.embeddings:
        stored = evaluation.StoredEmbeddings(FLAGS.embeddings, root)
        count, dim = stored.embeddings.shape
        print(f"{FLAGS.embeddings}: {count} embeddings of {dim}", flush=True)
        return stored, FLAGS.image_size
    model = evaluation.load_model(FLAGS.model)
    loss = _loss(model)
    print(descriptions.of_model(model, FLAGS.model, loss), flush=True)
    embedder = evaluation.Embedder(
        model,
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


def _loss(model):
    """The name of the loss that a model was trained with, None if unknown."""
    head = type(getattr(model, "head", None)).__name__
    names = evaluation.training_of(FLAGS.model).split(", ")
    return next((name for name in names if name not in ("", head)), None)


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
    """Draws the ROC curve and the histograms; returns the files."""
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
    files = [f"{stem}_roc.png", f"{stem}_similarities.png"]
    evaluation.plot_roc(files[0], *scores, title, **names)
    evaluation.plot_similarities(files[1], *scores, threshold, title, **kinds)
    return files
