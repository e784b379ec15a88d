"""Synthetic identities in controlled conditions, as K-FACE photographs people.

Few identities, hundreds of images of each: every image is taken in one of
10,125 conditions, the combinations of the steps of five factors, which are
the same for all identities. Pair lists of four levels, Q1 to Q4, vary the
factors more and more.
"""

from typing import NamedTuple

import numpy as np

from unpg_tf import ops
from unpg_tf.data import drawing

LEVELS = 4
_CHUNK = 256


class Factors(NamedTuple):
    """In which step each factor is; also how many steps each has.

    Attributes:
        pose: turn, shift and foreshortening; the middle step is frontal.
        light: from which side and of which colour; the middle step is even.
        expression: how much the identity is deformed; 0 for not at all.
        accessory: which bar covers it, of growing size; 0 for none.
        resolution: one pixel of 1 + step as wide and high; 0 for all.
    """

    pose: int
    light: int
    expression: int
    accessory: int
    resolution: int


STEPS = Factors(9, 9, 5, 5, 5)
# By accessory: upper and lower end of the bar, from -1 at the top to 1.
_BARS = np.array(
    [[2, 2], [-0.25, -0.05], [-1, -0.45], [-0.35, 0.05], [0.1, 1]], np.float32
)
_BAR_COLOUR = 30.0
_BACKGROUND = 128.0
_SATURATION = 0.4
# Light from one side is warm, from the other cold: red, green, blue.
_CAST = np.array([0.2, 0.0, -0.2], np.float32)


def conditions(level=LEVELS):
    """The conditions of a level.

    Of each factor there are the steps within level / 4 of the way from the
    neutral one to the last. Level 4 has all of them.

    Args:
        level: integer from 1 to 4.

    Returns:
        [n, 5] integer array, a row like `Factors`.
    """
    ops.expect(level in range(1, LEVELS + 1), "level from 1 to 4", level=level)
    inside = [
        np.flatnonzero(_strengths(n, f) <= level / LEVELS)
        for n, f in zip(STEPS, _SIGNED, strict=True)
    ]
    return np.stack(np.meshgrid(*inside, indexing="ij"), -1).reshape(-1, 5)


def draw_conditions(
    identities, factors, image_size, views=0, seed=0, progress=None
):
    """Draws images of identities in given conditions.

    Args:
        identities: [n] non-negative integers, who is drawn.
        factors: [n, 5] integers, rows like `Factors`, each below `STEPS`.
        image_size: integer, height and width in pixels.
        views: [n] non-negative integers, which take of the condition: slight
            noise and shift differ.
        seed: non-negative integer; another seed draws other identities.
        progress: callable of the number of images done, or None.

    Returns:
        [n, image_size, image_size, 3] uint8 array, RGB.

    Raises:
        ValueError: a factor has no such step, or an argument is none of what
            it should be.

    Example:
        >>> neutral, masked = [4, 4, 0, 0, 0], [4, 4, 0, 4, 0]
        >>> draw_conditions([7, 7], [neutral, masked], image_size=64).shape
        (2, 64, 64, 3)
    """
    factors = np.asarray(factors)
    ops.expect_counts(image_size=image_size)
    ops.expect(
        factors.ndim == 2
        and factors.shape[1] == len(STEPS)
        and factors.dtype.kind in "iu",
        f"factors [n, {len(STEPS)}], integers",
        shape=factors.shape,
        dtype=factors.dtype.name,
    )
    for name, steps, values in zip(
        Factors._fields, STEPS, factors.T, strict=True
    ):
        wrong = (values < 0) | (values >= steps)
        ops.expect(
            not wrong.any(),
            f"{name} from 0 to {steps - 1}",
            **{name: values[wrong][:1].tolist()},
        )
    identities, views = (
        np.broadcast_to(_whole(values, len(factors), name), len(factors))
        for name, values in {"identities": identities, "views": views}.items()
    )
    images = np.empty((len(factors), image_size, image_size, 3), np.uint8)
    for start in range(0, len(factors), _CHUNK):
        part = slice(start, start + _CHUNK)
        who = [np.random.default_rng([seed, i]) for i in identities[part]]
        how = [
            np.random.default_rng([seed, i, *row, 1 + view])
            for i, row, view in zip(
                identities[part], factors[part], views[part], strict=True
            )
        ]
        images[part] = _render(who, how, factors[part], image_size)
        if progress is not None:
            progress(start + len(who))
    return images


def images_in_conditions(
    num_identities, images_per_identity, image_size, seed=0, progress=None
):
    """Draws a training set of identities 0 to `num_identities` - 1.

    Each identity is drawn in conditions of its own, out of all.

    Args:
        num_identities: integer.
        images_per_identity: integer.
        image_size: integer, height and width in pixels.
        seed: as in `draw_conditions`.
        progress: likewise.

    Returns:
        images: [n, image_size, image_size, 3] uint8 array.
        labels: [n] int32 array.
    """
    ops.expect_counts(
        num_identities=num_identities,
        images_per_identity=images_per_identity,
        image_size=image_size,
    )
    labels = np.arange(num_identities, dtype=np.int32)
    labels = np.repeat(labels, images_per_identity)
    every = conditions()
    rows = np.random.default_rng(seed).integers(len(every), size=len(labels))
    images = draw_conditions(
        labels,
        every[rows],
        image_size,
        _takes(labels, rows),
        seed,
        progress,
    )
    return images, labels


def pairs_in_conditions(
    first_identity, num_identities, num_pairs, image_size, level, seed=0
):
    """Draws the pair list of a level, Q1 to Q4.

    Every second pair shows one identity, the others two. Each image is in a
    condition of the level, drawn by itself.

    Args:
        first_identity: integer, the identities start here: give the number of
            training identities for pairs of none of them.
        num_identities: integer, at least 2.
        num_pairs: integer.
        image_size: integer, height and width in pixels.
        level: integer from 1 to 4.
        seed: as in `draw_conditions`.

    Returns:
        images: [2 * num_pairs, image_size, image_size, 3] uint8 array.
        left: [num_pairs] integer array, indices into `images`.
        right: [num_pairs] integer array, likewise.
        same: [num_pairs] boolean array.
    """
    ops.expect_counts(num_pairs=num_pairs, image_size=image_size)
    ops.expect(
        num_identities >= 2,
        "2 identities or more",
        num_identities=num_identities,
    )
    rng = np.random.default_rng([seed, level])
    same = np.arange(num_pairs) % 2 == 0
    left = rng.integers(num_identities, size=num_pairs)
    away = rng.integers(1, num_identities, size=num_pairs)
    right = np.where(same, left, (left + away) % num_identities)
    identities = first_identity + np.stack([left, right], axis=1)
    inside = conditions(level)
    rows = rng.integers(len(inside), size=2 * num_pairs)
    index = np.arange(2 * num_pairs)
    images = draw_conditions(
        identities.ravel(), inside[rows], image_size, views=index, seed=seed
    )
    index = index.reshape(-1, 2)
    return images, index[:, 0], index[:, 1], same


# Whether a factor goes both ways from its neutral step.
_SIGNED = Factors(True, True, False, False, False)


def _takes(labels, rows):
    """How often an identity has been drawn in a condition before: [n]."""
    pairs = np.stack([labels, rows], axis=1)
    _, which = np.unique(pairs, axis=0, return_inverse=True)
    which = which.reshape(-1)
    order = np.argsort(which, kind="stable")
    firsts = np.searchsorted(which[order], which)
    takes = np.empty_like(order)
    takes[order] = np.arange(len(order))
    return takes - firsts


def _whole(values, count, name):
    """Non-negative integers, one or as many as there are images."""
    values = np.asarray(values)
    ops.expect(
        values.shape in ((), (1,), (count,))
        and values.dtype.kind in "iu"
        and (values >= 0).all(),
        f"{name}, {count} non-negative integers",
        shape=values.shape,
        dtype=values.dtype.name,
        least=values.min(initial=0).tolist(),
    )
    return values


def _values(steps, signed):
    """The strength of each step: from -1 or 0 to 1."""
    return np.linspace(-1 if signed else 0, 1, steps, dtype=np.float32)


def _strengths(steps, signed):
    return np.abs(_values(steps, signed))


def _render(who, how, factors, size):
    x, y = drawing.points(size)
    pose, light, expression, _, _ = (
        _values(steps, signed)[column][:, None, None]
        for steps, signed, column in zip(STEPS, _SIGNED, factors.T, strict=True)
    )
    jitter = 0.1 * drawing.uniform(how, -1, 1, 2)
    # A turn of the head: it leans, moves and narrows.
    where_x, where_y = drawing.posed(
        x,
        y,
        turn=0.5 * pose,
        right=0.6 * pose + jitter[..., 0],
        down=jitter[..., 1],
        size=np.zeros_like(pose),
        slant=pose,
    )
    where_y = where_y + 0.25 * expression * np.sin(4 * where_x)
    colour, inside = drawing.identity(who, where_x, where_y)
    # People differ less in colour than in form.
    grey = colour.mean(-1, keepdims=True)
    colour = grey + _SATURATION * (colour - grey)
    image = np.where(inside[..., None], colour, np.float32(_BACKGROUND))
    shade = 1 - 0.3 * np.abs(light) + 0.7 * light * x
    image *= shade[..., None] * (1 + light[..., None] * _CAST)
    top, bottom = _BARS[factors[:, 3]].T[..., None, None]
    covered = (y >= top) & (y <= bottom)
    image = np.where(covered[..., None], np.float32(_BAR_COLOUR), image)
    return drawing.noisy(_coarse(image, 1 + factors[:, 4]), how, 8.0)


def _coarse(image, widths):
    """Averages blocks of as many pixels a side; [n] integers, 1 for none."""
    size = image.shape[1]
    coarse = image.copy()
    for width in np.unique(widths[widths > 1]):
        rows = widths == width
        starts = np.arange(0, size, width)
        counts = np.diff([*starts, size])
        blocks = image[rows]
        for axis in (1, 2):
            shape = [-1 if a == axis else 1 for a in range(4)]
            blocks = np.add.reduceat(blocks, starts, axis=axis)
            blocks = blocks / counts.reshape(shape).astype(np.float32)
            blocks = np.repeat(blocks, counts, axis=axis)
        coarse[rows] = blocks
    return coarse
