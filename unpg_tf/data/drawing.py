"""What a synthetic identity looks like, from numbers.

Each function takes arrays of n images: numbers of shape [n, 1, 1, ...], and
points or pixels of shape [n, height, width, ...].
"""

import numpy as np


def points(size):
    """Coordinates of a square image's pixels, from -1 to 1: x and y."""
    axis = np.linspace(-1, 1, size, dtype=np.float32)
    return axis[None, None, :], axis[None, :, None]


def uniform(generators, low, high, *shape):
    """Draws `shape` numbers from every generator: [n, 1, 1, *shape]."""
    draws = [g.uniform(low, high, shape) for g in generators]
    return np.asarray(draws, np.float32)[:, None, None]


def identity(who, x, y):
    """The identity's colour at every point, and which points are inside.

    Args:
        who: n random generators, one for an image, of its identity.
        x: [n, height, width] float array, where points lie on the identity's
            plane.
        y: likewise.
    """
    radius, angle = np.hypot(x, y)[..., None], np.arctan2(y, x)[..., None]
    order = np.arange(2, 6, dtype=np.float32)
    wobble = uniform(who, 0, 0.25, 4) * np.cos(
        order * angle + uniform(who, -np.pi, np.pi, 4)
    )
    inside = radius[..., 0] < 0.7 * (1 + wobble.sum(-1))
    frequency, direction = uniform(who, 3, 12, 3), uniform(who, 0, np.pi, 3)
    along = x[..., None] * np.cos(direction) + y[..., None] * np.sin(direction)
    waves = np.sin(frequency * along + uniform(who, -np.pi, np.pi, 3))
    mix = 1 / (1 + np.exp(-2 * waves.sum(-1, keepdims=True)))
    colours = uniform(who, 40, 215, 2, 3)
    return mix * colours[..., 0, :] + (1 - mix) * colours[..., 1, :], inside


def posed(x, y, turn, right, down, size, slant):
    """Where the points of the image lie on the identity's plane.

    Args:
        x: [1, 1, width] float array.
        y: [1, height, 1] float array.
        turn: [n, 1, 1] float array in [-1, 1], of 60 degrees.
        right: likewise, of 0.3 of half the image.
        down: likewise.
        size: likewise, how much smaller, of 0.3.
        slant: likewise, how much narrower, of 0.4.
    """
    x, y = x - 0.3 * right, y - 0.3 * down
    cos, sin = np.cos(np.pi / 3 * turn), np.sin(np.pi / 3 * turn)
    x, y = cos * x - sin * y, sin * x + cos * y
    return x * (1 + 0.3 * size) / (1 - 0.4 * np.abs(slant)), y * (
        1 + 0.3 * size
    )


def noisy(image, how, deviation):
    """Adds each pixel's noise, and gives uint8."""
    shape = image.shape[1:]
    noise = [rng.standard_normal(shape, dtype=np.float32) for rng in how]
    image = image + deviation * np.stack(noise)
    return np.clip(image, 0, 255).astype(np.uint8)
