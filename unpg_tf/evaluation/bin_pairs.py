"""InsightFace's verification sets: LFW, CFP-FP, AgeDB-30, CALFW, CPLFW."""

from pathlib import Path

import numpy as np

from unpg_tf.evaluation import bin_pickle
from unpg_tf.evaluation.pairs import Pairs

_FOLDS = 10


def read_bin(path):
    """Reads a `.bin` file: pairs of encoded images, and which are the same.

    The file is a pickle, of which only byte strings, lists, tuples, booleans
    and uint8 arrays are read; anything else is refused, and nothing in it
    runs. Images 2i and 2i + 1 are pair i. The ten folds follow the order of
    the pairs; where ten doesn't divide their number, the first folds have one
    more, as scikit-learn's `KFold` has it.

    Args:
        path: the file, such as `lfw.bin`.

    Returns:
        A `Pairs` whose `images` are [n] object array of encoded files.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: the file holds something else; the message starts with
            its name.

    Example:
        >>> pairs = read_bin("agedb_30.bin")
        >>> len(pairs.same), pairs.num_folds
        (6000, 10)
    """
    if not Path(path).is_file():
        raise FileNotFoundError(f"Expected a .bin file. Received: {path}")
    try:
        images, same = _parts(bin_pickle.load(Path(path).read_bytes()))
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from error
    index = np.arange(len(images)).reshape(-1, 2)
    parts = np.array_split(np.arange(len(same)), _FOLDS)
    fold = np.repeat(np.arange(_FOLDS), [len(part) for part in parts])
    return Pairs(images, index[:, 0], index[:, 1], same, fold, Path(path).name)


def _parts(contents):
    """Checks the parts of the file: images and kinds of the pairs."""
    if not (isinstance(contents, tuple | list) and len(contents) == 2):
        raise ValueError("Expected (images, same). Received: something else")
    images, same = contents
    if not isinstance(images, list | tuple):
        raise ValueError("Expected a list of images. Received: something else")
    if not isinstance(same, list | tuple):
        same = list(bin_pickle.as_bytes(same) or ())
    if len(same) < _FOLDS or len(images) != 2 * len(same):
        raise ValueError(
            f"Expected two images a pair, and {_FOLDS} pairs or more. "
            f"Received: {len(images)} images and {len(same)} pairs"
        )
    encoded = np.empty(len(images), object)
    encoded[:] = [bin_pickle.as_bytes(image) for image in images]
    for number, image in enumerate(encoded):
        if image is None:
            raise ValueError(f"Expected bytes. Received: image {number}")
    if not all(kind in (0, 1) for kind in same):
        raise ValueError("Expected same to hold booleans. Received: others")
    return encoded, np.array(same, bool)
