"""Images from wherever they are: one name for each of the formats."""

import os
from typing import Any
from typing import NamedTuple

import numpy as np

from unpg_tf.data.folder import read_folder
from unpg_tf.data.index_files import index_path
from unpg_tf.data.insightface import InsightFaceRecords
from unpg_tf.data.shards import ImageShards
from unpg_tf.data.tfds import PREFIX
from unpg_tf.data.tfds import TFDSImages


class TrainingImages(NamedTuple):
    """The images of a training set and who is in them.

    Attributes:
        images: list of n paths, or a `Source`.
        labels: [n] int32 array, indices into `names`.
        names: list of the identities' names.
    """

    images: Any
    labels: np.ndarray
    names: list


def open_images(
    data,
    people=None,
    min_images=1,
    exclude=(),
    on_bad_image=None,
    on_left_out=None,
    progress=None,
    on_unaligned=None,
):
    """Opens a training set, whatever its format.

    A folder and a `.rec` file get an index at the first time, so that later
    it takes no look at millions of files or headers. It is kept in
    `~/.cache/unpg_tf`, in the folder that the environment variable
    `UNPG_TF_CACHE` names, or in `DATA.index` where that file exists.

    Args:
        data: string, one of
            a folder that holds a folder of images per identity;
            `FILE.rec`, InsightFace's RecordIO;
            a pattern of TFRecord shards, `shards/*.tfrecord`;
            `tfds:NAME`, of tensorflow_datasets.
        people: names to restrict the identities to, None for all.
        min_images: identities of fewer images are left out.
        exclude: names of identities to leave out.
        on_bad_image: as in `InsightFaceRecords`; the other formats tell bad
            images when they are read.
        on_left_out: callable of a message for each reason why files of a
            folder, or identities, are left out, such as "7 identities with
            fewer than 2 images (7 images)"; None for nobody to tell.
        progress: callable of the numbers of folders or records that are
            listed and of all, or None; where the index is there nothing is
            listed.
        on_unaligned: as in `read_folder`; the other formats are not looked
            at.

    Returns:
        `TrainingImages`.

    Raises:
        FileNotFoundError, ImportError, OSError, ValueError: as the format's
            reader, which is documented at `read_folder`,
            `InsightFaceRecords`, `ImageShards` and `TFDSImages`.

    Example:
        >>> images, labels, names = open_images("shards/*.tfrecord")
    """
    data = os.fspath(data)
    chosen = {
        "people": people,
        "min_images": min_images,
        "exclude": exclude,
        "on_left_out": on_left_out,
    }
    if data.startswith(PREFIX):
        images = TFDSImages(data.removeprefix(PREFIX), **chosen)
    elif data.endswith(".rec"):
        images = InsightFaceRecords(
            data,
            **chosen,
            index=index_path(data),
            on_bad_image=on_bad_image,
            progress=progress,
        )
    elif data.endswith(".tfrecord"):
        images = ImageShards(data, **chosen)
    else:
        folder = read_folder(
            data,
            **chosen,
            index=index_path(data),
            progress=progress,
            on_unaligned=on_unaligned,
        )
        return TrainingImages(*folder)
    return TrainingImages(images, images.labels, images.names)
