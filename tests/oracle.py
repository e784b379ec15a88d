"""Every head and loss again: loops over floats, as their papers say it.

Nothing is shared with the library: float64 NumPy, one number at a time, no
trick. Heads take the cosines and the lengths of embeddings, so that a
derivative may hold a length fixed where the paper detaches it.
"""

import math

import numpy as np


def unit(vectors):
    return np.array([v / math.sqrt(sum(x * x for x in v)) for v in vectors])


def norms_of(vectors):
    return np.array([math.sqrt(sum(x * x for x in v)) for v in vectors])


def cosines_of(embeddings, centers):
    embeddings = unit(np.asarray(embeddings, np.float64))
    centers = unit(np.asarray(centers, np.float64))
    return np.array([[float(e @ w) for w in centers] for e in embeddings])


def angle(cosine):
    return math.acos(min(max(cosine, -1.0), 1.0))


def _with_targets(cosines, labels, target):
    cosines = np.array(cosines)
    for row, label in enumerate(labels):
        cosines[row, label] = target(row, cosines[row, label])
    return cosines


def plain(cosines, norms, labels):
    return np.array(cosines)


def cosface(cosines, norms, labels, margin):
    return _with_targets(cosines, labels, lambda i, t: t - margin)


def arcface(cosines, norms, labels, margin, threshold=False):
    def target(i, t):
        if threshold and t <= math.cos(math.pi - margin):
            return t - margin * math.sin(math.pi - margin)
        return math.cos(angle(t) + margin)

    return _with_targets(cosines, labels, target)


def combined(cosines, norms, labels, m1, m2, m3):
    return _with_targets(
        cosines, labels, lambda i, t: math.cos(m1 * angle(t) + m2) - m3
    )


def sphereface(cosines, norms, labels, margin, plain_weight):
    def target(i, t):
        turns = math.floor(margin * angle(t) / math.pi)
        psi = (-1) ** turns * math.cos(margin * angle(t)) - 2 * turns
        return (plain_weight * t + psi) / (plain_weight + 1)

    return _with_targets(cosines, labels, target)


def elasticface(cosines, norms, labels, margins, kind):
    def target(i, t):
        if kind == "cosface":
            return t - margins[i]
        return math.cos(angle(t) + margins[i])

    return _with_targets(cosines, labels, target)


def mv_softmax(
    cosines, norms, labels, margin=0.35, weight=1.12, kind="cosface"
):
    raised = np.array(cosines)
    for row, label in enumerate(labels):
        t = cosines[row][label]
        if kind == "cosface":
            least, target = margin, t - margin
        else:
            least, target = 0.0, math.cos(angle(t) + margin)
        for column, c in enumerate(cosines[row]):
            if c > target:
                raised[row, column] = weight * c + weight - 1
        raised[row, label] = target if t > least else t
    return raised


def x2_softmax(cosines, norms, labels, fixed=None):
    """The value is that at `fixed`, about which t has the slope 1."""
    fixed = cosines if fixed is None else fixed

    def target(i, t):
        at = fixed[i][labels[i]]
        return -0.9 * angle(at) ** 2 + 0.65 + t - at

    return _with_targets(cosines, labels, target)


def magface(
    cosines,
    norms,
    labels,
    lower_margin=0.45,
    upper_margin=0.8,
    lower_norm=10.0,
    upper_norm=110.0,
):
    def target(i, t):
        a = min(max(norms[i], lower_norm), upper_norm)
        rise = (upper_margin - lower_margin) / (upper_norm - lower_norm)
        margin = lower_margin + rise * (a - lower_norm)
        return math.cos(angle(t) + margin) if t > 0 else t

    return _with_targets(cosines, labels, target)


def magface_penalty(norms, lower_norm=10.0, upper_norm=110.0, weight=35.0):
    clipped = [min(max(a, lower_norm), upper_norm) for a in norms]
    return np.array([weight * (a / upper_norm**2 + 1 / a) for a in clipped])


def adaface_state(norms, state, ema_rate=0.01):
    """(mean, std) of the norms after a batch."""
    norms = [min(max(a, 1e-3), 100.0) for a in norms]
    mean = sum(norms) / len(norms)
    std = math.sqrt(sum((a - mean) ** 2 for a in norms) / (len(norms) - 1))
    return (
        ema_rate * mean + (1 - ema_rate) * state[0],
        ema_rate * std + (1 - ema_rate) * state[1],
    )


def adaface(cosines, norms, labels, state, margin=0.4, h=0.333):
    cosines = np.clip(cosines, -1 + 1e-3, 1 - 1e-3)

    def target(i, t):
        a = min(max(norms[i], 1e-3), 100.0)
        z = min(max(h * (a - state[0]) / (state[1] + 1e-3), -1.0), 1.0)
        theta = min(max(angle(t) - margin * z, 1e-3), math.pi - 1e-3)
        return math.cos(theta) - (margin + margin * z)

    return _with_targets(cosines, labels, target)


def curricularface_state(cosines, labels, t, ema_rate=0.01):
    """The average target after a batch."""
    targets = [cosines[row][label] for row, label in enumerate(labels)]
    return ema_rate * sum(targets) / len(targets) + (1 - ema_rate) * t


def curricularface(cosines, norms, labels, t, margin=0.5):
    hard = np.array(cosines)
    for row, label in enumerate(labels):
        bound = math.cos(angle(cosines[row][label]) + margin)
        for column, cosine in enumerate(cosines[row]):
            if column != label and cosine > bound:
                hard[row, column] = cosine * (t + cosine)
    return arcface(hard, norms, labels, margin, threshold=True)


def adacos_state(cosines, labels, scale):
    """The scale after a batch."""
    total, angles = 0.0, []
    for row, label in zip(cosines, labels, strict=True):
        others = [c for column, c in enumerate(row) if column != label]
        total += sum(math.exp(scale * c) for c in others)
        angles.append(angle(row[label]))
    median = sorted(angles)[(len(angles) - 1) // 2]
    return math.log(total / len(labels)) / math.cos(min(math.pi / 4, median))


def adacos(cosines, norms, labels, scale):
    return np.array(cosines) * scale / 16


def negatives(embeddings, labels):
    """Similarities of every two embeddings of two classes, ascending."""
    e = unit(np.asarray(embeddings, np.float64))
    found = []
    for p in range(len(e)):
        for q in range(p + 1, len(e)):
            if labels[p] != labels[q]:
                found.append(float(e[p] @ e[q]))
    return sorted(found)


def kept(found, whisker):
    """Those of sorted similarities that the box-and-whisker filter keeps."""
    if not found or math.isinf(whisker):
        return found
    q1 = found[len(found) // 4]
    q3 = found[3 * len(found) // 4]
    reach = whisker * (q3 - q1)
    return [s for s in found if q1 - reach <= s <= q3 + reach]


def softmax_losses(cosines, labels, scale, pairs=(), pair_weight=1.0):
    """Cross-entropies; the pairs stand at the end of every row."""
    losses = []
    for row, label in zip(cosines, labels, strict=True):
        top = scale * max([*row, *pairs])
        total = sum(math.exp(scale * x - top) for x in row)
        total += pair_weight * sum(math.exp(scale * s - top) for s in pairs)
        losses.append(math.log(total) + top - scale * row[label])
    return np.array(losses)


def pair_losses(cosines, labels, scale, pairs, pair_weight=1.0):
    """log P - s t: the pairs alone as the denominator of every row."""
    top = scale * max(pairs)
    total = pair_weight * sum(math.exp(scale * s - top) for s in pairs)
    return np.array(
        [
            math.log(total) + top - scale * row[label]
            for row, label in zip(cosines, labels, strict=True)
        ]
    )


def unpg_losses(
    cosines,
    embeddings,
    labels,
    scale,
    whisker,
    pair_weight=1.0,
    max_pair_share=1.0,
    max_target_ratio=math.inf,
):
    pairs = kept(negatives(embeddings, labels), whisker)
    unified = softmax_losses(cosines, labels, scale, pairs, pair_weight)
    classes = softmax_losses(cosines, labels, scale)
    if max_pair_share < 1:
        # Z + min(P, Z r / (1 - r)) is the lower of Z + P and Z / (1 - r).
        unified = np.minimum(unified, classes - math.log(1 - max_pair_share))
    if max_target_ratio < math.inf:
        # Divided by the target, Z + k exp(s t) is exp(loss) + k.
        bound = np.log(np.exp(classes) + max_target_ratio)
        unified = np.minimum(unified, bound)
    return unified


def unpg_losses_of_shares(
    cosines, embeddings, labels, scale, whisker, max_pair_share, is_bounded
):
    """Other values, whose gradient is that of `unpg_losses`.

    Args:
        is_bounded: [batch] bools: the rows whose bound is active at the
            point where the gradient is taken.
    """
    pairs = kept(negatives(embeddings, labels), whisker)
    unified = softmax_losses(cosines, labels, scale, pairs)
    mixed = (1 - max_pair_share) * softmax_losses(cosines, labels, scale)
    mixed += max_pair_share * pair_losses(cosines, labels, scale, pairs)
    return np.where(is_bounded, mixed, unified)


def positives(embeddings, labels):
    """Similarities of every two embeddings of one class, ascending."""
    e = unit(np.asarray(embeddings, np.float64))
    return sorted(
        float(e[p] @ e[q])
        for p in range(len(e))
        for q in range(p + 1, len(e))
        if labels[p] == labels[q]
    )


def sn_pair_loss(embeddings, labels, scale):
    """The mean over the positive pairs, each against all negative ones."""
    against = negatives(embeddings, labels)
    found = [
        math.log1p(sum(math.exp(scale * (n - p)) for n in against))
        for p in positives(embeddings, labels)
    ]
    return sum(found) / len(found)


def mix_face_loss(cosines, embeddings, labels, margin, error):
    """The mean over the rows."""
    log_odds = math.log(1 - error) - math.log(error)
    classes = len(cosines[0])
    first = (math.log(classes - 1) + log_odds) / math.cos(margin)
    second = math.log(len(negatives(embeddings, labels))) + log_odds
    return np.mean(softmax_losses(cosines, labels, first)) + sn_pair_loss(
        embeddings, labels, second
    )


def upg_loss(
    cosines, embeddings, labels, scale, whisker, positive_whisker, margin
):
    """The mean over targets and kept pairs of one class."""
    found = negatives(embeddings, labels)
    q1, q3 = found[len(found) // 4], found[3 * len(found) // 4]
    against = [s for s in found if s <= q3 + whisker * (q3 - q1)]
    targets = []
    for row, label in zip(cosines, labels, strict=True):
        against += [c for j, c in enumerate(row) if j != label]
        targets.append(row[label])
    pairs = kept(positives(embeddings, labels), positive_whisker)
    turned = [math.cos(angle(s) + margin) for s in pairs]
    losses = [
        math.log1p(sum(math.exp(scale * (n - p)) for n in against))
        for p in targets + turned
    ]
    return sum(losses) / len(losses)


def gradient(function, point, step=1e-6):
    """Central differences of a scalar function of an array."""
    point = np.array(point, np.float64)
    slopes = np.zeros_like(point)
    for index in np.ndindex(*point.shape):
        here = point[index]
        point[index] = here + step
        above = function(point)
        point[index] = here - step
        below = function(point)
        point[index] = here
        slopes[index] = (above - below) / (2 * step)
    return slopes
