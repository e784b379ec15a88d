import hypothesis
import numpy as np
import pytest
import tensorflow as tf
from hypothesis import strategies as st

from tests.data import records
from unpg_tf.data import InsightFaceRecords
from unpg_tf.data import SkippedImages
from unpg_tf.data import load_images
from unpg_tf.data import training_batches
from unpg_tf.data.tables import read_table
from unpg_tf.data.tables import write_table

SIZE = 8
# Sparse classes, both forms of labels.
LABELS = [3, [3, 0], 0, [5, 0], 5]


def png(i):
    return tf.io.encode_png(np.full((SIZE, SIZE, 3), 10 * i, np.uint8)).numpy()


IMAGES = [(label, png(i)) for i, label in enumerate(LABELS)]


@pytest.fixture
def path(tmp_path):
    records.write(tmp_path / "train.rec", IMAGES, classes=6)
    return tmp_path / "train.rec"


def test_images_and_labels_of_both_forms(path):
    images = InsightFaceRecords(path)
    assert images.names == ["0", "3", "5"]
    np.testing.assert_array_equal(images.labels, [1, 1, 0, 2, 2])
    assert images.labels.dtype == np.int32
    read = [images.read(row) for row in range(len(images))]
    assert read == [contents for _, contents in IMAGES]


def test_without_a_header_every_record_is_an_image(path):
    records.write(path, IMAGES, header=False, classes=6)
    images = InsightFaceRecords(path)
    assert [images.read(row) for row in range(5)] == [c for _, c in IMAGES]


def test_min_images_and_exclude_leave_identities_out(path):
    told, done = [], []
    images = InsightFaceRecords(
        path,
        min_images=2,
        exclude=["3", "99"],
        on_left_out=told.append,
        progress=lambda *numbers: done.append(numbers),
    )
    assert images.names == ["5"]
    assert told == [
        "1 identity excluded (2 images)",
        "1 identity with fewer than 2 images (1 image)",
    ]
    assert done[0] == (1, 5) and done[-1] == (5, 5)
    np.testing.assert_array_equal(images.labels, [0, 0])
    assert images.read(0) == png(3)
    assert images.where(0) == f"{path}, record 4"
    with pytest.raises(
        ValueError, match="min_images=4.*train.rec.*: 3 identities"
    ):
        InsightFaceRecords(path, min_images=4)


def test_people_restrict_to_the_listed(path):
    images = InsightFaceRecords(path, people={"5": 2, "9": 1})
    assert images.names == ["5"]
    assert [images.read(row) for row in range(2)] == [png(3), png(4)]


def test_an_index_spares_the_headers_until_a_file_changes(path):
    index = path.with_name("train.rec.index")
    first = InsightFaceRecords(path, index=index)
    written = index.read_bytes()
    again = InsightFaceRecords(path, index=index)
    assert index.read_bytes() == written
    np.testing.assert_array_equal(again.labels, first.labels)
    assert again.read(4) == first.read(4) and again.where(4) == first.where(4)
    # It is what is read: another one, of the same state, is believed.
    head, arrays = read_table(index)
    write_table(index, head, {k: v[:2] for k, v in arrays.items()})
    assert len(InsightFaceRecords(path, index=index)) == 2
    records.write(path, IMAGES[:3], classes=6)
    assert len(InsightFaceRecords(path, index=index)) == 3
    index.write_bytes(b"nothing")
    assert len(InsightFaceRecords(path, index=index)) == 3


def test_batches_are_those_of_the_pixels_and_resume(path):
    images = InsightFaceRecords(path)
    pixels = load_images(images, SIZE)
    np.testing.assert_array_equal(pixels[:, 0, 0, 0], 10 * np.arange(5))
    options = {"batch_size": 2, "image_size": SIZE}
    expected = training_batches(pixels, images.labels, **options).skip(2)
    read = training_batches(images, images.labels, first_epoch=1, **options)
    assert read.element_spec == expected.element_spec
    for a, b in zip(expected.take(4), read.take(4), strict=True):
        np.testing.assert_array_equal(a[0], b[0])
        np.testing.assert_array_equal(a[1], b[1])


@pytest.mark.parametrize("label", [6, -1, 0.5, float("nan"), [7, 0]])
def test_a_label_that_is_no_class_is_named(path, label):
    records.write(path, [*IMAGES, (label, png(0))], classes=6)
    with pytest.raises(ValueError, match=r"record 6: .* label in \[0, 6\)"):
        InsightFaceRecords(path)


def test_records_that_are_broken_are_left_out(path, tmp_path):
    records.write(path, [(9, png(9)), *IMAGES, (0, png(8))], classes=6)
    index, text = path.with_suffix(".idx"), path.with_suffix(".idx").read_text()
    index.write_text(text.replace("\n7\t", "\n7\t9"))
    kept, skipped = tmp_path / "kept.index", SkippedImages()
    for _ in range(2):
        images = InsightFaceRecords(path, index=kept, on_bad_image=skipped)
        assert images.names == ["0", "3", "5"]
        assert [images.where(row) for row in range(5)] == [
            f"{path}, record {key}" for key in range(2, 7)
        ]
        assert [images.read(row) for row in range(5)] == [i for _, i in IMAGES]
    label, offset = sorted(skipped.messages, key=len)
    assert "record 1: Expected a label in [0, 6). Received: 9.0" in label
    assert "train.rec, offset 9" in offset
    with pytest.raises(ValueError, match="record 1: Expected a label"):
        InsightFaceRecords(path, index=kept)


def test_more_classes_than_labels_can_tell(path):
    records.write(path, [*IMAGES, (2**31, png(0))], classes=2**40)
    with pytest.raises(ValueError, match=rf"record 6: .*\[0, {2**31}\)"):
        InsightFaceRecords(path)


def test_files_that_do_not_fit_each_other_are_named(path):
    index = path.with_suffix(".idx")
    lines = index.read_text()
    index.write_text(lines.replace("\n2\t", "\n2\t1"))
    with pytest.raises(ValueError, match="train.rec, offset 1"):
        InsightFaceRecords(path)
    # Without the header's key the identities' records would be images.
    index.write_text(lines.partition("\n")[2])
    with pytest.raises(ValueError, match="train.idx: Expected the offset 0"):
        InsightFaceRecords(path)
    index.write_text("0\t0\n1\t44\n")
    with pytest.raises(ValueError, match="record 0: .* 2 keys of the .idx"):
        InsightFaceRecords(path)
    index.unlink()
    with pytest.raises(FileNotFoundError, match="train.idx"):
        InsightFaceRecords(path)


def test_a_record_that_is_no_image_is_named(path):
    records.write(path, [*IMAGES, (0, b"nothing")], classes=6)
    with pytest.raises(ValueError, match="BMP or GIF.*train.rec, record 6"):
        load_images(InsightFaceRecords(path), SIZE)


@hypothesis.settings(
    deadline=None,
    suppress_health_check=[hypothesis.HealthCheck.function_scoped_fixture],
)
@hypothesis.given(
    st.sampled_from([".rec", ".idx", ".property"]),
    st.integers(0, 300),
    st.binary(max_size=9),
)
def test_damage_gives_images_or_a_value_error(path, suffix, at, damage):
    records.write(path, IMAGES, classes=6)
    file = path.with_suffix(suffix)
    contents = file.read_bytes()
    at = min(at, len(contents))
    file.write_bytes(contents[:at] + damage + contents[at + len(damage) :])
    try:
        images = InsightFaceRecords(path)
        for row in range(len(images)):
            images.read(row)
    except ValueError as error:
        assert str(path.parent) in str(error)
