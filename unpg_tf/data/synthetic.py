"""Drawn identities: a data set without a download, for trials and tests.

An identity is a closed curve filled with two colours in a texture. What it
looks like in an image depends on the pose, the light, an occlusion and the
noise, each with a strength from 0 to 1, like K-FACE's Q1 to Q4.
"""

from typing import NamedTuple

import numpy as np

from unpg_tf import ops
from unpg_tf.data import drawing

_CHUNK = 256


class Strengths(NamedTuple):
    """How much the images of one identity differ, each from 0 to 1.

    Attributes:
        pose: rotation (to 60 degrees), shift, scale and foreshortening.
        light: brightness, colour cast and a shadow's side.
        occlusion: the side of the covering rectangle, to half the image's.
        noise: standard deviation of the pixels' noise, to 64 of 255.
    """

    pose: float = 0.5
    light: float = 0.5
    occlusion: float = 0.5
    noise: float = 0.5


_MODERATE = Strengths()


def draw(
    identities, views, image_size, strengths=_MODERATE, seed=0, progress=None
):
    """Draws images of identities.

    A pixel depends on the identity, the view and the seed alone, so that
    there's no end to either, and any subset can be drawn in any order.

    Args:
        identities: [n] non-negative integers, who is drawn.
        views: [n] non-negative integers, which of the identity's images.
        image_size: integer, height and width in pixels.
        strengths: a `Strengths`.
        seed: non-negative integer; another seed draws other identities.
        progress: callable of the number of images done, or None.

    Returns:
        [n, image_size, image_size, 3] uint8 array, RGB.

    Raises:
        ValueError: a strength lies outside [0, 1].

    Example:
        >>> images = draw([0, 0, 1], [0, 1, 0], image_size=64)
        >>> images.shape
        (3, 64, 64, 3)
    """
    for name, value in strengths._asdict().items():
        if not 0 <= value <= 1:
            raise ValueError(f"Expected {name} in [0, 1]. Received: {value}")
    identities, views = np.broadcast_arrays(identities, views)
    images = np.empty((len(views), image_size, image_size, 3), np.uint8)
    for start in range(0, len(views), _CHUNK):
        part = slice(start, start + _CHUNK)
        who = [np.random.default_rng([seed, i]) for i in identities[part]]
        how = [
            np.random.default_rng([seed, i, 1 + view])
            for i, view in zip(identities[part], views[part], strict=True)
        ]
        images[part] = _render(who, how, image_size, strengths)
        if progress is not None:
            progress(start + len(who))
    return images


def labelled_images(num_identities, images_per_identity, image_size, **kwargs):
    """Draws a training set of identities 0 to `num_identities` - 1.

    Args:
        num_identities: integer.
        images_per_identity: integer.
        image_size: integer, height and width in pixels.
        **kwargs: `strengths`, `seed` and `progress`, as in `draw`.

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
    views = np.tile(np.arange(images_per_identity), num_identities)
    return draw(labels, views, image_size, **kwargs), labels


def verification_pairs(first_identity, num_pairs, image_size, **kwargs):
    """Draws pairs of images, half of them of one identity.

    Every second pair shows one identity, the others two; no identity stands
    in more than one pair.

    Args:
        first_identity: integer, the identities start here: give the number of
            training identities for pairs of none of them.
        num_pairs: integer.
        image_size: integer, height and width in pixels.
        **kwargs: `strengths`, `seed` and `progress`, as in `draw`.

    Returns:
        images: [2 * num_pairs, image_size, image_size, 3] uint8 array.
        left: [num_pairs] integer array, indices into `images`.
        right: [num_pairs] integer array, likewise.
        same: [num_pairs] boolean array.
    """
    ops.expect_counts(num_pairs=num_pairs, image_size=image_size)
    same = np.arange(num_pairs) % 2 == 0
    left = first_identity + 2 * np.arange(num_pairs)
    identities = np.stack([left, np.where(same, left, left + 1)], axis=1)
    views = np.tile([0, 1], num_pairs)
    images = draw(identities.ravel(), views, image_size, **kwargs)
    index = np.arange(2 * num_pairs).reshape(-1, 2)
    return images, index[:, 0], index[:, 1], same


def _render(who, how, size, strengths):
    """[n] generators of identities and of images -> [n, size, size, 3]."""
    x, y = drawing.points(size)
    pose = strengths.pose * drawing.uniform(how, -1, 1, 5)
    where = drawing.posed(x, y, *np.moveaxis(pose, -1, 0))
    colour, inside = drawing.identity(who, *where)
    background = drawing.uniform(how, 0, 255, 3)
    image = np.where(inside[..., None], colour, background)
    image *= _light(how, x, y, strengths.light)
    image = np.where(
        _occluded(how, x, y, strengths.occlusion)[..., None],
        drawing.uniform(how, 0, 255, 3),
        image,
    )
    return drawing.noisy(image, how, 64 * strengths.noise)


def _light(how, x, y, strength):
    """A factor for every pixel and channel: brightness, cast, shadow."""
    sides = drawing.uniform(how, -1, 1, 3)
    bright, side_x, side_y = np.moveaxis(sides, -1, 0)
    shade = 1 + strength * (0.4 * bright + 0.4 * (side_x * x + side_y * y))
    cast = 0.3 * strength * drawing.uniform(how, -1, 1, 3)
    return shade[..., None] * (1 + cast)


def _occluded(how, x, y, strength):
    """Which points lie under the covering rectangle."""
    left, top = np.moveaxis(drawing.uniform(how, -1, 1, 2), -1, 0)
    return np.maximum(np.abs(x - left), np.abs(y - top)) < 0.5 * strength
