"""People of a folder of images that a training leaves out, and their pairs."""

import itertools
from pathlib import Path

import numpy as np

from unpg_tf import ops
from unpg_tf.data.folder import read_folder
from unpg_tf.files import replaced


def hold_out(root, people_file, pairs_file, share=0.2, num_pairs=2000, seed=0):
    """Holds out some of the people in a folder, to measure a model on.

    It writes two files: the names, for `unpg train --exclude_people`, and
    pairs of their images, for `unpg evaluate --protocol=kface --pairs`
    (`read_pair_lists`), half of one identity and half of two, none twice.

    Args:
        root: the folder that holds a folder of images per identity.
        people_file: where to write the names, one a line.
        pairs_file: where to write the pairs, `left<TAB>right<TAB>1|0` a line.
        share: float in (0, 1), how many of the people that have two images or
            more are held out.
        num_pairs: even integer, number of pairs at most: fewer where the
            images give no more.
        seed: integer.

    Returns:
        (number of people held out, number of pairs).

    Raises:
        FileNotFoundError: `root` is no folder, or holds no image.
        ValueError: an argument is out of its range, or the people held out
            give fewer than ten pairs of each kind.

    Example:
        >>> hold_out("faces", "held_out.txt", "pairs.txt")
        (237, 2000)
    """
    ops.expect(0.0 < share < 1.0, "share between 0 and 1", share=share)
    ops.expect(
        num_pairs >= 20 and num_pairs % 2 == 0,
        "an even num_pairs of 20 or more",
        num_pairs=num_pairs,
    )
    rng = np.random.default_rng(seed)
    folder = read_folder(root)
    several = np.flatnonzero(np.bincount(folder.labels) > 1)
    chosen = rng.permutation(several)[: round(share * len(several))]
    same = _pairs_of_one(folder.labels, chosen, num_pairs // 2, rng)
    different = _pairs_of_two(folder.labels, chosen, num_pairs // 2, rng)
    count = min(len(same), len(different))
    if count < 10:
        raise ValueError(
            "Expected images for ten pairs or more of each kind, of the people "
            f"held out. Received: {len(chosen)} people with {len(same)} pairs "
            f"of one identity and {len(different)} of two, by share={share}, "
            f"in {root}"
        )
    names = sorted(folder.names[label] for label in chosen)
    images = [Path(path).relative_to(root).as_posix() for path in folder.paths]
    _write(people_file, names)
    _write(
        pairs_file,
        (
            f"{images[left]}\t{images[right]}\t{kind}"
            for kind, pairs in ((1, same), (0, different))
            for left, right in pairs[:count]
        ),
    )
    return len(chosen), 2 * count


def _pairs_of_one(labels, chosen, count, rng):
    """Each identity in turn, so that those of many images don't prevail."""
    turns = [
        rng.permutation(list(itertools.combinations(rows, 2)))
        for rows in (np.flatnonzero(labels == label) for label in chosen)
    ]
    dealt = itertools.zip_longest(*turns)
    pairs = (pair for turn in dealt for pair in turn if pair is not None)
    return list(itertools.islice(pairs, count))


def _pairs_of_two(labels, chosen, count, rng):
    """Two identities at random, and an image at random of each."""
    rows = [np.flatnonzero(labels == label) for label in chosen]
    pairs = {}
    for _ in range(20 * count if len(rows) > 1 else 0):
        first, second = rng.choice(len(rows), 2, replace=False)
        pair = rng.choice(rows[first]), rng.choice(rows[second])
        pairs[min(pair), max(pair)] = None
        if len(pairs) == count:
            break
    return list(pairs)


def _write(path, lines):
    with replaced(path) as temporary:
        temporary.write_text("".join(f"{line}\n" for line in lines), "utf-8")
