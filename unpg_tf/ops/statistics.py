"""What to watch in a training: how UNPG's pairs and the classes lie.

Scalars without gradients, from one batch. `StatisticsCallback` computes them
during `fit`.
"""

import math

import tensorflow as tf

from unpg_tf.ops.checks import expect
from unpg_tf.ops.negatives import kept_negatives
from unpg_tf.ops.negatives import log_mass
from unpg_tf.ops.negatives import whisker_bounds
from unpg_tf.ops.softmax import log_odds_bound
from unpg_tf.ops.targets import replace_targets
from unpg_tf.ops.targets import targets_of
from unpg_tf.ops.unit import unit_vectors


def pair_statistics(pairs, negative):
    """How alike images of two classes are.

    Args:
        pairs: float32 or float64 tensor of similarities between images.
        negative: bool tensor of the same shape: which of them are pairs of
            two classes.

    Returns:
        Dictionary of scalar float tensors: `negative_mean` and
        `negative_std` of the similarities of two classes, 0 where there are
        none.
    """
    pairs = tf.stop_gradient(pairs)
    count = tf.reduce_sum(tf.cast(negative, pairs.dtype))
    mean = _mean(tf.where(negative, pairs, 0.0), count)
    variance = _mean(tf.where(negative, tf.square(pairs - mean), 0.0), count)
    return {
        "negative_mean": mean,
        "negative_std": tf.sqrt(variance),
    }


def separation_statistics(pairs, negative, cosines, labels, targets):
    """Whether every image is closer to its own class than to any other.

    Args:
        pairs: float32 or float64 tensor of similarities between images.
        negative: bool tensor of the same shape: which of them are pairs of
            two classes.
        cosines: [batch, num_classes] float tensor.
        labels: [batch] int32 tensor of their targets' columns.
        targets: [batch] float tensor, the cosine of each row to its own class
            centre, without margin.

    Returns:
        Dictionary of scalar float tensors: `inf_positive`, the lowest cosine
        to an own centre, the paper's inf S^p, and `sup_negative`, its sup
        S^n, the highest of two classes' images or of an image to another
        centre. UNPG aims at the first being above the second.
    """
    lowest = tf.fill(tf.shape(labels), tf.constant(-1.0, cosines.dtype))
    others = tf.stop_gradient(replace_targets(cosines, labels, lowest))
    of_images = tf.where(negative, tf.stop_gradient(pairs), -1.0)
    return {
        "inf_positive": tf.reduce_min(tf.stop_gradient(targets)),
        "sup_negative": tf.maximum(
            tf.reduce_max(of_images), tf.reduce_max(others)
        ),
    }


def unpg_statistics(
    pairs,
    negative,
    cosines,
    scale,
    whisker,
    pair_weight=1.0,
    max_pair_share=1.0,
    max_target_ratio=math.inf,
    labels=None,
):
    """What the noise filter keeps, and what that weighs in the softmax.

    Args:
        pairs: float32 or float64 tensor of similarities between images.
        negative: bool tensor of the same shape: which of them are pairs of
            two classes.
        cosines: [batch, num_classes] float tensor, with the margin applied.
        scale: float, as in `UNPGLoss`.
        whisker: float, likewise.
        pair_weight: float, likewise.
        max_pair_share: float, likewise.
        max_target_ratio: float, likewise.
        labels: [batch] int32 tensor of the targets' columns, for
            `max_target_ratio` alone.

    Returns:
        Dictionary of scalar float tensors:
            `kept_share`, the kept part of the pairs of two classes, at least
            a half where all are numbers;
            `whisker_low` and `whisker_high`, the bounds of what is kept, at
            the least -1 and at the most 1;
            `unpg_share`, the pairs' part of the softmax's denominator, as
            bounded, the mean over the rows;
            `bounded_share`, the part of the rows where a bound is active.
    """
    pairs, cosines = tf.stop_gradient(pairs), tf.stop_gradient(cosines)
    kept = kept_negatives(pairs, negative, whisker)
    bounds = tf.constant(-1.0, pairs.dtype), tf.constant(1.0, pairs.dtype)
    if not math.isinf(whisker):
        bounds = whisker_bounds(pairs, negative, whisker)
    low, high = (tf.clip_by_value(bound, -1.0, 1.0) for bound in bounds)
    weight = math.log(pair_weight)
    log_negatives = log_mass(pairs, kept, scale) + weight
    log_classes = tf.reduce_logsumexp(scale * cosines, axis=1)
    log_odds = log_negatives - log_classes
    expect(
        labels is not None or math.isinf(max_target_ratio),
        "labels with a max_target_ratio",
        labels=labels,
    )
    bound = log_odds_bound(
        log_classes,
        None if labels is None else scale * targets_of(cosines, labels),
        max_pair_share,
        max_target_ratio,
    )
    bound = log_odds if bound is None else bound
    is_bounded = tf.cast(log_odds > bound, pairs.dtype)
    return {
        "kept_share": _mean(
            tf.cast(kept, pairs.dtype),
            tf.reduce_sum(tf.cast(negative, pairs.dtype)),
        ),
        "whisker_low": low,
        "whisker_high": high,
        "unpg_share": tf.reduce_mean(tf.sigmoid(tf.minimum(log_odds, bound))),
        "bounded_share": tf.reduce_mean(is_bounded),
    }


def softmax_statistics(cosines, labels, scale):
    """How far the training images have been learned.

    Args:
        cosines: [batch, num_classes] float tensor, with the margin applied.
        labels: [batch] int32 tensor of their targets' columns.
        scale: float, as in `MarginLoss`.

    Returns:
        Dictionary of a scalar float tensor: `wrong_share`, what the softmax
        over the classes gives to others than the target, the mean over the
        rows: near 1 where nothing is learned yet, 0 where all is.
    """
    cosines = tf.stop_gradient(cosines)
    log_classes = tf.reduce_logsumexp(scale * cosines, axis=1)
    own = tf.exp(scale * targets_of(cosines, labels) - log_classes)
    return {"wrong_share": 1.0 - tf.reduce_mean(own)}


def center_statistics(centers, limit=1024):
    """How alike the class centres are.

    Args:
        centers: [num_classes, dim] float tensor, not normalised.
        limit: int, above 1. Of more centres than this, so many, evenly
            spaced, stand for all: never more than limit² cosines are made.

    Returns:
        Dictionary of scalar float tensors: `center_mean` and `center_max`,
        the cosines of every two centres; 0 and -1 where there is one alone.
    """
    stride = -(-centers.shape[0] // limit)
    units, _ = unit_vectors(tf.stop_gradient(centers[::stride]))
    cosines = tf.matmul(units, units, transpose_b=True)
    count = tf.cast(tf.shape(units)[0], cosines.dtype)
    own = tf.fill(tf.shape(units)[:1], tf.constant(0.0, cosines.dtype))
    others = tf.linalg.set_diag(cosines, own)
    return {
        "center_mean": _mean(others, count * (count - 1.0)),
        "center_max": tf.reduce_max(tf.linalg.set_diag(cosines, own - 1.0)),
    }


def _mean(values, count):
    # Row by row first: one running sum over millions would lose digits.
    total = tf.reduce_sum(tf.reduce_sum(values, axis=-1))
    return tf.math.divide_no_nan(total, count)
