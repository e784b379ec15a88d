"""Images of tensorflow_datasets, by name."""

import numpy as np

from unpg_tf.data.selection import select
from unpg_tf.data.sources import EncodedImages

PREFIX = "tfds:"


class TFDSImages(EncodedImages):
    """The images of a data set of tensorflow_datasets and who is in them.

    The bytes of the files are held in memory, the pixels aren't.

    Args:
        name: the data set's name, and maybe its version and its split:
            `lfw`, `lfw:0.1.1`, `lfw@train[:50%]`; `train` where none is named.
            It needs a feature `image`, and a class or a text `label`.
        people: names to restrict the identities to, None for all.
        min_images: identities of fewer images are left out.
        exclude: names of identities to leave out.
        data_dir: folder of the prepared data sets; None for the library's.
        on_left_out: as in `read_folder`.

    Attributes:
        labels: [n] int32 array, indices into `names`.
        names: list of strings.

    Raises:
        ImportError: tensorflow_datasets isn't installed.
        ValueError: there is no such data set, it has no such features, or no
            identity is left.

    Example:
        >>> images = TFDSImages("lfw", min_images=2)
        >>> dataset = training_batches(images, images.labels, 8, image_size=112)
    """

    def __init__(
        self,
        name,
        people=None,
        min_images=1,
        exclude=(),
        data_dir=None,
        on_left_out=None,
    ):
        contents, labels, names = _read(name, data_dir)
        rows, self.labels, self.names = select(
            labels,
            names,
            PREFIX + name,
            people=people,
            min_images=min_images,
            exclude=exclude,
            on_left_out=on_left_out,
        )
        super().__init__([contents[row] for row in rows], PREFIX + name)


def _read(name, data_dir):
    """Files' bytes, labels and names of a data set, downloaded if need be."""
    tfds = _library()
    name, _, split = name.partition("@")
    try:
        builder = tfds.builder(name, data_dir=data_dir)
    except (
        tfds.core.DatasetNotFoundError,
        AssertionError,
        ValueError,
    ) as error:
        told = str(error).strip().partition("\n")[0]
        raise ValueError(
            "Expected a data set of tensorflow_datasets as in tfds:lfw or "
            f"tfds:lfw:0.1.1. Received: {PREFIX}{name} ({told})"
        ) from error
    builder.download_and_prepare()
    features = builder.info.features
    wanted = {"image", "label"}
    if not wanted <= set(features):
        raise ValueError(
            f"Expected a data set with the features image and label. "
            f"Received: {name} with {', '.join(features)}"
        )
    decoders = tfds.decode.PartialDecoding(
        dict.fromkeys(wanted, True),
        decoders={"image": tfds.decode.SkipDecoding()},
    )
    dataset = builder.as_dataset(split=split or "train", decoders=decoders)
    examples = list(tfds.as_numpy(dataset))
    labels = np.array([example["label"] for example in examples])
    contents = [example["image"] for example in examples]
    if labels.dtype.kind in "iu":
        return contents, labels, _class_names(features["label"], labels)
    present, labels = np.unique(labels, return_inverse=True)
    return contents, labels, [text.decode() for text in present]


def _class_names(feature, labels):
    named = getattr(feature, "names", None)
    return named or list(map(str, range(int(labels.max(initial=-1)) + 1)))


def _library():
    try:
        import tensorflow_datasets
    except ImportError as error:
        raise ImportError(
            "Expected tensorflow_datasets for tfds:NAME: "
            'pip install "unpg-tf[tfds]". Received: none'
        ) from error
    return tensorflow_datasets
