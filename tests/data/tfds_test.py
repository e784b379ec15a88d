import numpy as np
import pytest
import tensorflow as tf
import tensorflow_datasets as tfds

from unpg_tf.data import TFDSImages
from unpg_tf.data import load_images
from unpg_tf.data import open_images

COUNT, SIZE = 7, 8
PIXELS = [np.full((SIZE, SIZE, 3), 10 * i, np.uint8) for i in range(COUNT)]


def store(folder, name, **features):
    """Writes a data set as tensorflow_datasets prepares them."""
    image = tfds.features.Image(shape=(SIZE, SIZE, 3), encoding_format="png")
    values = {k: v for k, (_, v) in features.items()}
    dataset = tf.data.Dataset.from_tensor_slices({"image": PIXELS, **values})
    kinds = {k: kind for k, (kind, _) in features.items()}
    tfds.dataset_builders.store_as_tfds_dataset(
        name,
        "1.0.0",
        tfds.features.FeaturesDict({"image": image, **kinds}),
        {"train": dataset},
        data_dir=str(folder),
        disable_shuffling=True,
    )


@pytest.mark.parametrize(
    ("kind", "labels", "names"),
    [
        (tfds.features.Text(), list("bacabaa"), ["a", "b"]),
        (
            tfds.features.ClassLabel(names=["x", "y", "z"]),
            [1, 0, 2, 0, 1, 0, 0],
            ["x", "y"],
        ),
        (tfds.features.Scalar(np.int64), [5, 3, 7, 3, 5, 3, 3], ["3", "5"]),
    ],
)
def test_images_and_labels(tmp_path, kind, labels, names):
    other = tfds.features.Scalar(np.int64), np.arange(COUNT)
    store(tmp_path, "some_faces", label=(kind, labels), other=other)
    images = TFDSImages("some_faces", min_images=2, data_dir=tmp_path)
    assert images.names == names
    np.testing.assert_array_equal(images.labels, [1, 0, 0, 1, 0, 0])
    kept = [0, 1, 3, 4, 5, 6]
    read = load_images(images, SIZE)
    np.testing.assert_array_equal(read, np.array(PIXELS)[kept])
    assert images.where(2) == "tfds:some_faces, image 2"
    half = TFDSImages("some_faces@train[:3]", data_dir=tmp_path)
    assert len(half) == 3


def test_errors_name_the_data_set(tmp_path):
    for name in ("tfds:nobodys_faces", "tfds:", "tfds:../faces"):
        with pytest.raises(ValueError, match=f"data set of .*: {name} "):
            open_images(name)
    store(tmp_path, "some_faces", person=(tfds.features.Text(), ["a"] * COUNT))
    with pytest.raises(ValueError, match="image and label.*: some_faces with"):
        TFDSImages("some_faces", data_dir=tmp_path)
