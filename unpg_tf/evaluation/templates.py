"""Templates: several images of a person, pooled to one embedding."""

import numpy as np

from unpg_tf.metrics.search import unit_rows

# Images pooled at a time, to bound the memory.
_CHUNK = 16384


def pool_templates(
    embeddings, template, media, detector_scores=None, keep_norm=True
):
    """Pools embeddings: the mean over each medium, then the sum of those.

    A video's many frames so weigh as much as one photograph.

    Args:
        embeddings: [n, dim] float array of images, with the flip test in it
            or not, and with the model's norms.
        template: [n] integer array, the template of each image.
        media: [n] integer array, the medium (photograph or video) of each.
        detector_scores: [n] float array to weigh the images by, how sure the
            detector was of a face; None for equal weights.
        keep_norm: whether an image weighs as much as its embedding's norm;
            otherwise the embeddings get unit length first.

    Returns:
        A tuple of [t, dim] float32 pooled embeddings, of any length, and [t]
        ids of the templates, ascending.

    Raises:
        ValueError: shapes differ, or an embedding isn't finite.

    Source: W. Xie and A. Zisserman, Multicolumn Networks for Face
        Recognition, BMVC 2018; the switches are those of InsightFace's IJB
        evaluation.

    Example:
        >>> pool_templates(np.eye(3), [7, 7, 7], [1, 1, 2])
        (array([[0.5, 0.5, 1. ]], dtype=float32), array([7]))
    """
    template, media = np.asarray(template), np.asarray(media)
    rows = len(embeddings)
    scores = np.ones(rows) if detector_scores is None else detector_scores
    shapes = template.shape, media.shape, np.shape(scores)
    if np.ndim(embeddings) != 2 or set(shapes) != {(rows,)}:
        raise ValueError(
            "Expected embeddings [n, dim], and template, media and "
            f"detector_scores [n]. Received: {np.shape(embeddings)}, and "
            f"{', '.join(map(str, shapes))}"
        )
    order = np.lexsort((media, template))
    changed = np.diff(template[order]) != 0
    medium_changed = changed | (np.diff(media[order]) != 0)
    medium = np.append(0, np.cumsum(medium_changed))
    owner = np.append(0, np.cumsum(changed))
    weights = np.asarray(scores)[order] / np.bincount(medium)[medium]
    pooled = np.zeros((owner[-1] + 1, np.shape(embeddings)[1]), np.float32)
    for start in range(0, rows, _CHUNK):
        part = slice(start, start + _CHUNK)
        _add(
            pooled,
            owner[part],
            embeddings[order[part]],
            weights[part],
            keep_norm,
        )
    return pooled, template[order][np.append(True, changed)]


def _add(pooled, owner, embeddings, weights, keep_norm):
    """Adds some images to their templates, which come in order."""
    units = unit_rows(embeddings)  # also where the norm stays: a check
    images = np.asarray(embeddings, np.float32) if keep_norm else units
    firsts = np.flatnonzero(np.diff(owner, prepend=-1))
    weighed = images * weights[:, np.newaxis].astype(np.float32)
    pooled[owner[firsts]] += np.add.reduceat(weighed, firsts, axis=0)
