"""LFW's people for small networks, and how well they are told apart."""

import numpy as np

from unpg_tf import data
from unpg_tf import evaluation
from unpg_tf import metrics

# Images are read with a border, of which the networks see the inner part.
SIZE, CROP, DIM = 36, 32 / 36, 128
AUGMENT = data.Augmentation(zoom=0.1, shift=0.04, brightness=0.2, contrast=0.2)
FARS = (1e-1, 1e-2, 1e-3, 1e-4)
COLUMNS = ("auc", *(f"tar@{far:g}" for far in FARS))


def training_faces(root, fewest=1, size=SIZE):
    """Images of LFW's DevTrain people, and their labels.

    Args:
        root: Folder of LFW and its protocol files.
        fewest: Images of a person that is taken, at least.
        size: Pixels of a side.
    """
    people = data.read_people(f"{root}/peopleDevTrain.txt")
    folder = data.read_folder(root, people, fewest)
    return data.load_images(folder.paths, size), folder.labels


def test_faces(root, most=10, size=SIZE):
    """Images of LFW's DevTest people, who are others, and their labels.

    A person of hundreds of images would be most of the positive pairs: of
    each at most `most` are taken.
    """
    people = data.read_people(f"{root}/peopleDevTest.txt")
    folder = data.read_folder(root, people)
    number = np.arange(len(folder.labels))
    number -= np.searchsorted(folder.labels, folder.labels)
    rows = np.flatnonzero(number < most)
    paths = [folder.paths[row] for row in rows]
    return data.load_images(paths, size), folder.labels[rows]


def rates(model, images, labels):
    """The values of `COLUMNS`: of all pairs of the images."""
    embeddings = evaluation.Embedder(model)(images)
    pairs = np.triu_indices(len(labels), 1)
    similarities = (embeddings @ embeddings.T)[pairs]
    same = np.equal(*(labels[rows] for rows in pairs))
    yield metrics.auc(similarities, same)
    yield from metrics.tar_at_far(similarities, same, FARS).values()


def spread(values, layout="{:.3f} ± {:.3f}"):
    """Cells of a Markdown row: mean and standard deviation of each column."""
    deviations = values.std(axis=0, ddof=min(1, len(values) - 1))
    cells = map(layout.format, values.mean(axis=0), deviations)
    return " | ".join(cells)
