"""IJB-B's and IJB-C's protocols: verification and open-set identification."""

from unpg_tf.evaluation.evaluator import Evaluation
from unpg_tf.evaluation.evaluator import bootstrap_progress
from unpg_tf.evaluation.report import rates_report
from unpg_tf.evaluation.templates import pool_templates
from unpg_tf.metrics.identification import identify_open_set
from unpg_tf.metrics.roc import LOW_FARS
from unpg_tf.metrics.verification import pair_similarities
from unpg_tf.progress import Progress


def evaluate_templates(
    embedder,
    templates,
    keep_norm=True,
    detector_score=True,
    verbose=0,
    replicates=1000,
):
    """Verifies pairs of templates (1:1), and searches galleries (1:N).

    Args:
        embedder: an `Embedder` with `unit_length=False`; its `flip` is the
            third switch.
        templates: a `Templates`, as `read_ijb` gives.
        keep_norm: as in `pool_templates`.
        detector_score: whether images are weighed by the detector's scores.
        verbose: 1 shows progress, 0 doesn't.
        replicates: draws of the bootstrap, over pairs; 0 for no intervals.

    Returns:
        An `Evaluation`. Its report has the keys of `rates_report` with FARs
        from 0.1 to 1e-06; `flip`, and the other two of the three `switches`,
        `keep_norm` and `detector_score`; `galleries`, with a report of
        `identify_open_set` for each (empty without 1:N files); and
        `identification`, their mean `rank` and `tpir_at_fpir`, or None.

    Raises:
        ValueError: there are no detector scores, an image can't be decoded,
            or an embedding isn't finite.

    Example:
        >>> embedder = Embedder(load_model(path), unit_length=False)
        >>> templates = read_ijb("IJB_release/IJBC")
        >>> evaluation = evaluate_templates(embedder, templates)
        >>> evaluation.report["tar_at_far"]["0.0001"]
        0.963
    """
    if detector_score and templates.detector_scores is None:
        raise ValueError(
            f"Expected detector_score=False, since {templates.name} has no "
            "*name_5pts_score.txt. Received: detector_score=True"
        )
    if verbose:
        print(
            f"{templates.name}: {len(templates.same)} pairs of "
            f"{len(templates.ids)} templates of {len(templates.images)} images",
            flush=True,
        )
    scores = templates.detector_scores if detector_score else None
    pooled, _ = pool_templates(
        embedder(templates.images, verbose, templates.landmarks),
        templates.template,
        templates.media,
        scores,
        keep_norm,
    )
    count = len(templates.same)
    similarities = pair_similarities(
        pooled,
        templates.left,
        templates.right,
        Progress(f"Comparing {count} pairs", count, "pair")
        if verbose
        else None,
    )
    galleries = _search(pooled, templates)
    return Evaluation(
        {
            **rates_report(
                similarities,
                templates.same,
                LOW_FARS,
                replicates=replicates,
                progress=bootstrap_progress(replicates) if verbose else None,
            ),
            "pairs_name": templates.name,
            "threshold_source": None,
            "flip": embedder.flip,
            "switches": {
                "keep_norm": keep_norm,
                "detector_score": detector_score,
            },
            "galleries": galleries,
            "identification": _mean(galleries),
        },
        similarities,
    )


def _search(pooled, templates):
    """The reports of 1:N, for each gallery."""
    if templates.probes is None:
        return {}
    probes, people = templates.probes
    return {
        str(number): identify_open_set(
            pooled[probes], people, pooled[rows], identities
        ).report
        for number, (rows, identities) in enumerate(templates.galleries, 1)
    }


def _mean(galleries):
    """The mean of the galleries' rates; None where one can't say."""
    if not galleries:
        return None
    reports = list(galleries.values())
    means = {}
    for name in ("rank", "tpir_at_fpir"):
        means[name] = {}
        for key in reports[0][name]:
            values = [report[name][key] for report in reports]
            known = None not in values
            means[name][key] = sum(values) / len(values) if known else None
    return means
