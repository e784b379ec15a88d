"""The images about the dominant centres of a head with several a class."""

import math
import typing

import numpy as np

from unpg_tf import layers
from unpg_tf import ops

_75_DEGREES = math.radians(75)
# So many rows at once, of centres beside embeddings.
_CHUNK = 4096


class Kept(typing.NamedTuple):
    """What `keep_dominant` keeps.

    Attributes:
        images: [m] int64 array: the numbers of the images to train on, in
            ascending order.
        dominant: [num_classes] int64 array: which of its centres is each
            class's dominant one.
        head: `unpg_tf.layers.ArcFace`, built, with the dominant centres and
            the other arguments of the head that was given.
    """

    images: np.ndarray
    dominant: np.ndarray
    head: layers.ArcFace


def keep_dominant(head, embeddings, labels, max_angle=_75_DEGREES):
    """Drops images that are far from the dominant centre of their class.

    The dominant centre of a class is that to which most of its images are
    nearest; of several, the first. It is also that of a class without images.

    Args:
        head: A trained `unpg_tf.layers.SubcenterArcFace`.
        embeddings: [n, dim] float array, of any length: those of the
            training images, by the model that has trained with the head.
        labels: [n] integer array of class ids.
        max_angle: float in (0, pi], radians, 75 degrees by default: the
            largest angle between an image that is kept and the dominant
            centre.

    Returns:
        A `Kept`. A class may have lost all images.

    Raises:
        ValueError: If an argument is none of these.

    Example:
        >>> embeddings = model.predict(images)
        >>> kept = keep_dominant(model.head, embeddings, labels)
        >>> images, labels = images[kept.images], labels[kept.images]
        >>> model = unpg_tf.models.EmbeddingModel(backbone, kept.head)

    Reference: Deng et al., *Sub-center ArcFace: Boosting Face Recognition by
    Large-Scale Noisy Web Faces*, ECCV 2020.
    """
    ops.expect(
        isinstance(head, layers.SubcenterArcFace) and head.built,
        "a built SubcenterArcFace",
        head=head,
    )
    ops.expect_numbers(max_angle=max_angle)
    ops.expect(
        0 < max_angle <= math.pi, "max_angle in (0, pi]", max_angle=max_angle
    )
    shape = (head.num_classes, head.centers_per_class, -1)
    centers = np.reshape(head.get_weights()[0], shape)
    embeddings, labels = _checked(embeddings, labels, centers)
    cosines = _cosines_to_own(_units(centers), _units(embeddings), labels)
    counts = np.zeros(shape[:2], np.int64)
    np.add.at(counts, (labels, cosines.argmax(axis=1)), 1)
    dominant = counts.argmax(axis=1)
    to_dominant = cosines[np.arange(len(labels)), dominant[labels]]
    images = np.flatnonzero(to_dominant >= math.cos(max_angle))
    return Kept(images, dominant, _plain(head, centers, dominant))


def _checked(embeddings, labels, centers):
    classes, _, dim = centers.shape
    embeddings, labels = np.asarray(embeddings), np.asarray(labels)
    ops.expect(
        embeddings.ndim == 2
        and embeddings.shape[1] == dim
        and embeddings.dtype.kind == "f",
        f"embeddings [n, {dim}], floats",
        shape=embeddings.shape,
        dtype=embeddings.dtype.name,
    )
    ops.expect(np.isfinite(embeddings).all(), "finite embeddings", finite=False)
    ops.expect(
        labels.shape == embeddings.shape[:1] and labels.dtype.kind in "iu",
        "labels [n], integers, one for each embedding",
        shape=labels.shape,
        dtype=labels.dtype.name,
    )
    ops.expect(
        ((labels >= 0) & (labels < classes)).all(),
        f"labels from 0 to {classes - 1}",
        labels=[int(labels.min(initial=0)), int(labels.max(initial=0))],
    )
    # The length of float16 vectors may overflow.
    precision = np.promote_types(embeddings.dtype, np.float32)
    return embeddings.astype(precision), labels.astype(np.int64)


def _units(vectors):
    lengths = np.linalg.norm(vectors, axis=-1, keepdims=True)
    return vectors / np.where(lengths > 0, lengths, 1.0)


def _cosines_to_own(centers, units, labels):
    """[n, centers_per_class], to the centres of each image's own class."""
    cosines = np.empty([len(labels), centers.shape[1]], units.dtype)
    for first in range(0, len(labels), _CHUNK):
        rows = slice(first, first + _CHUNK)
        own = centers[labels[rows]]
        cosines[rows] = np.einsum("nd,nkd->nk", units[rows], own)
    return cosines


def _plain(head, centers, dominant):
    known = layers.ArcFace(head.num_classes).get_config()
    config = {k: v for k, v in head.get_config().items() if k in known}
    config |= {"name": None, "trainable": True}
    plain = layers.ArcFace.from_config(config)
    plain.build((None, centers.shape[2]))
    plain.centers.assign(centers[np.arange(len(dominant)), dominant])
    return plain
