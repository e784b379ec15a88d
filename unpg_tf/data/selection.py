"""Which identities of a set are trained on."""

from typing import NamedTuple

import numpy as np


class Selection(NamedTuple):
    """What is left of a set.

    Attributes:
        rows: [m] integer array, which of the images.
        labels: [m] int32 array, indices into `names`.
        names: list of strings.
    """

    rows: np.ndarray
    labels: np.ndarray
    names: list


def select(
    labels,
    names,
    where,
    *,
    people=None,
    min_images=1,
    exclude=(),
    on_left_out=None,
):
    """Leaves out identities, and numbers the others anew, in their order.

    Args:
        labels: [n] integer array, indices into `names`.
        names: list of strings, the names of the identities.
        where: what to call the set in a message.
        people: names to restrict the identities to, None for all. One that
            the set doesn't have is passed over.
        min_images: identities of fewer images are left out.
        exclude: names of identities to leave out.
        on_left_out: callable of a message for each reason why identities are
            left out, such as "7 identities with fewer than 2 images (7
            images)"; None for nobody to tell.

    Returns:
        A `Selection`.

    Raises:
        ValueError: no identity is left.
    """
    sizes = np.bincount(labels, minlength=len(names))
    kept = sizes > 0
    told = on_left_out or (lambda message: None)
    if people is not None:
        people = set(people)
        missing = len(people - {names[i] for i in np.flatnonzero(kept)})
        if missing:
            told(f"{missing} of the {len(people)} listed people have no images")
        kept = _told(kept, _among(names, people), sizes, "not listed", told)
    kept = _told(kept, ~_among(names, exclude), sizes, "excluded", told)
    listed = int(kept.sum())
    few = f"with fewer than {min_images} images"
    kept = _told(kept, sizes >= min_images, sizes, few, told)
    if not kept.any():
        among = "" if people is None else " among the listed people"
        raise ValueError(
            f"Expected an identity with at least min_images={min_images} "
            f"images in {where}{among}. Received: {listed} identities with "
            "fewer."
        )
    rows = np.flatnonzero(kept[labels])
    numbers = (np.cumsum(kept) - 1).astype(np.int32)
    return Selection(
        rows,
        numbers[labels[rows]],
        [names[i] for i in np.flatnonzero(kept)],
    )


def _among(names, listed):
    listed = set(listed)
    return np.fromiter((name in listed for name in names), bool, len(names))


def _told(kept, good, sizes, why, told):
    """Those kept that are good; tells how many aren't."""
    out = kept & ~good
    if out.any():
        count, images = out.sum(), sizes[out].sum()
        told(
            f"{count} {'identity' if count == 1 else 'identities'} {why} "
            f"({images} image{'' if images == 1 else 's'})"
        )
    return kept & good
