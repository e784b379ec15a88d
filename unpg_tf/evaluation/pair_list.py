"""Lists of pairs by path, as K-FACE's Q1 to Q4 are given."""

from pathlib import Path

import numpy as np

from unpg_tf import ops
from unpg_tf.data.text import text_lines
from unpg_tf.evaluation.evaluator import Evaluation
from unpg_tf.evaluation.evaluator import bootstrap_progress
from unpg_tf.evaluation.pairs import Pairs
from unpg_tf.evaluation.report import verification_report
from unpg_tf.metrics.roc import LOW_FARS
from unpg_tf.metrics.verification import pair_similarities

_FOLDS = 10


def read_pair_lists(paths, root):
    """Reads files of a pair a line: `left right label`.

    Tabs part the three where there are any: names may then hold blanks.
    `left` and `right` are paths of images under `root`, whose first folder is
    the identity; `label` is 1 for a pair of one identity, else 0.
    The lists have no folds of their own: both kinds are dealt out to ten, one
    pair after the other, so that a threshold comes from other pairs than
    those that it is measured on.

    Args:
        paths: list of files, such as `kface.Q1.txt`.
        root: the folder that the images' paths start at.

    Returns:
        List of a `Pairs` for each file, all with the same `images`, so that
        they are embedded once.

    Raises:
        FileNotFoundError: there is no such file or folder, or no image that a
            line names; the message starts with `file:line`.
        ValueError: a line isn't what the format expects; the message starts
            with `file:line`. Or a file has fewer than ten pairs of a kind.
            A pair may stand twice, with one answer.

    Source: https://github.com/Jung-Jun-Uk/UNPG; S. Jung et al., MixFace:
        Improving Face Verification Focusing on Fine-Grained Conditions, 2021.

    Example:
        >>> lists = read_pair_lists(["kface.Q1.txt", "kface.Q2.txt"], "kface")
        >>> [pairs.name for pairs in lists]
        ['kface.Q1.txt', 'kface.Q2.txt']
    """
    if not Path(root).is_dir():
        raise FileNotFoundError(
            f"Expected a folder of images. Received: {root}"
        )
    images, people = {}, {}
    lists = [_read(path, Path(root), images, people) for path in paths]
    files = np.array([str(Path(root, name)) for name in images])
    return [
        Pairs(files, *columns, Path(path).name, identities)
        for path, (columns, identities) in zip(paths, lists, strict=True)
    ]


def together(lists):
    """Joins lists of `read_pair_lists` to one `Pairs`.

    Args:
        lists: list of `Pairs` with the same `images`.

    Returns:
        A `Pairs` of all their pairs.
    """
    known = all(pairs.identities is not None for pairs in lists)
    return Pairs(
        lists[0].images,
        *(
            np.concatenate([getattr(pairs, column) for pairs in lists])
            for column in ("left", "right", "same", "fold")
        ),
        name=" ".join(pairs.name for pairs in lists),
        identities=np.concatenate([pairs.identities for pairs in lists])
        if known
        else None,
    )


def evaluate_pair_lists(embedder, lists, verbose=0, replicates=1000):
    """Verifies lists of pairs, such as K-FACE's.

    Args:
        embedder: an `Embedder`.
        lists: list of `Pairs`, as `read_pair_lists` gives.
        verbose: 1 shows progress, 0 doesn't.
        replicates: draws of the bootstrap; 0 for no intervals.

    Returns:
        Dictionary of an `Evaluation` for each list by its name, and of all
        their pairs together by the name "all".

    Raises:
        ValueError: an image can't be decoded, an embedding isn't finite, or
            lists share a name.

    Example:
        >>> lists = read_pair_lists(["kface.Q1.txt", "kface.Q2.txt"], "kface")
        >>> evaluations = evaluate_pair_lists(embedder, lists)
        >>> evaluations["kface.Q2.txt"].report["tar_at_far"]["0.0001"]
        0.413
    """
    names = [pairs.name for pairs in lists]
    ops.expect(
        len({*names, "all"}) == len(names) + 1,
        "lists of different names, none of them 'all'",
        names=names,
    )
    if verbose:
        print(f"{len(lists[0].images)} images of {together(lists).name}")
    embeddings = embedder(lists[0].images, verbose=verbose)
    sets = {pairs.name: pairs for pairs in lists}
    return {
        name: _evaluation(embedder.flip, embeddings, pairs, replicates, verbose)
        for name, pairs in {**sets, "all": together(lists)}.items()
    }


def _evaluation(flip, embeddings, pairs, replicates, verbose):
    similarities = pair_similarities(embeddings, pairs.left, pairs.right)
    report = verification_report(
        similarities,
        pairs.same,
        pairs.fold,
        fars=LOW_FARS,
        identities=pairs.identities,
        replicates=replicates,
        progress=bootstrap_progress(replicates) if verbose else None,
    )
    source = f"the other folds of {pairs.name}"
    names = {"pairs_name": pairs.name, "threshold_source": source}
    return Evaluation({**report, **names, "flip": flip}, similarities)


def _read(path, root, images, people):
    """The columns of a list, and who is in its pairs or None."""
    if not Path(path).is_file():
        raise FileNotFoundError(f"Expected a pair list. Received: {path}")
    rows, answers = [], {}
    for number, line in enumerate(text_lines(path), start=1):
        try:
            rows.append(_row(line, root, images, people))
            _expect_same_answer(answers, *rows[-1][:3], number)
        except (FileNotFoundError, ValueError) as error:
            raise type(error)(f"{path}:{number}: {error}") from None
    table = np.array(rows, int).reshape(-1, 5)
    same = table[:, 2] == 1
    if min(same.sum(), (~same).sum()) < _FOLDS:
        raise ValueError(
            f"{path}: Expected {_FOLDS} pairs of each kind or more. Received: "
            f"{same.sum()} of one identity and {(~same).sum()} of two"
        )
    identities = table[:, 3:]
    # Where the folders aren't the identities, those aren't known.
    known = np.array_equal(identities[:, 0] == identities[:, 1], same)
    columns = table[:, 0], table[:, 1], same, _dealt(same)
    return columns, identities if known else None


def _row(line, root, images, people):
    """Numbers of both images, the label, and numbers of both people."""
    fields = line.rstrip("\n").split("\t" if "\t" in line else None)
    if len(fields) != 3 or fields[2] not in ("0", "1"):
        raise ValueError(f"Expected left right 0|1. Received: {line.rstrip()}")
    for name in fields[:2]:
        if Path(name).is_absolute() or ".." in Path(name).parts:
            raise ValueError(f"Expected a path below {root}. Received: {name}")
        if name not in images and not (root / name).is_file():
            raise FileNotFoundError(
                f"Expected an image. Received: {root / name}"
            )
    left, right = (images.setdefault(n, len(images)) for n in fields[:2])
    who = (Path(name).parts[0] for name in fields[:2])
    numbers = (people.setdefault(person, len(people)) for person in who)
    return left, right, int(fields[2]), *numbers


def _expect_same_answer(answers, left, right, answer, number):
    """Raises where an earlier line calls the pair of one identity and this not.

    Args:
        answers: dictionary of pairs to (answer, line).
        left: integer, number of an image.
        right: integer, of the other.
        answer: 0 or 1.
        number: integer, of the line.
    """
    pair = min(left, right), max(left, right)
    before, line = answers.setdefault(pair, (answer, number))
    if before != answer:
        raise ValueError(
            f"Expected {before}, as line {line} has it of this pair. "
            f"Received: {answer}"
        )


def _dealt(same):
    """Deals the pairs of each kind out to the folds."""
    fold = np.empty(len(same), int)
    for kind in (same, ~same):
        fold[kind] = np.arange(kind.sum()) % _FOLDS
    return fold
