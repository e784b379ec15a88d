from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

from unpg_tf.data import Augmentation
from unpg_tf.data import SkippedImages
from unpg_tf.data import bad_image_message
from unpg_tf.data import load_images
from unpg_tf.data import load_readable
from unpg_tf.data import training_batches

COUNT, SIZE, BATCH = 11, 8, 4
STEPS = COUNT // BATCH


@pytest.fixture
def images():
    """Images that tell their number: all pixels of image i are 10 i."""
    values = 10 * np.arange(COUNT, dtype=np.uint8)
    return np.broadcast_to(values[:, None, None, None], (COUNT, SIZE, SIZE, 3))


@pytest.fixture
def labels():
    return np.arange(COUNT) % 3


@pytest.fixture
def paths(images, tmp_path):
    paths = [str(tmp_path / f"{i}.png") for i in range(COUNT)]
    for path, image in zip(paths, images, strict=True):
        tf.io.write_file(path, tf.io.encode_png(image))
    return paths


def numbers(dataset, steps):
    """The numbers of the images in each of the first batches."""
    return [
        (batch[:, 0, 0, 0].numpy() // 10).tolist()
        for batch, _ in dataset.take(steps)
    ]


def test_an_epoch_holds_no_image_twice_and_labels_stay_with_them(
    images, labels
):
    dataset = training_batches(images, labels, BATCH)
    batches = list(dataset.take(3 * STEPS).as_numpy_iterator())
    for epoch in range(3):
        seen = []
        for batch, batch_labels in batches[epoch * STEPS :][:STEPS]:
            index = batch[:, 0, 0, 0] // 10
            np.testing.assert_array_equal(batch_labels, labels[index])
            seen += index.tolist()
        assert len(set(seen)) == STEPS * BATCH


def test_types_and_static_shapes(images, labels):
    shape = [BATCH, SIZE, SIZE, 3]
    for augment, dtype in (
        (None, tf.uint8),
        (Augmentation(), tf.uint8),
        (Augmentation(zoom=0.1), tf.float32),
    ):
        dataset = training_batches(images, labels, BATCH, augment=augment)
        assert dataset.element_spec == (
            tf.TensorSpec(shape, dtype),
            tf.TensorSpec([BATCH], tf.int32),
        )


def test_each_epoch_and_each_seed_has_an_order_of_its_own(images, labels):
    order = numbers(training_batches(images, labels, BATCH), 2 * STEPS)
    again = numbers(training_batches(images, labels, BATCH), 2 * STEPS)
    other = numbers(training_batches(images, labels, BATCH, seed=1), 2 * STEPS)
    assert order == again
    assert order[:STEPS] != order[STEPS:]
    assert order != other


def test_a_later_first_epoch_gives_what_would_have_come(images, labels):
    options = {"augment": Augmentation(brightness=0.5), "seed": 5}
    whole = training_batches(images, labels, BATCH, **options)
    resumed = training_batches(images, labels, BATCH, first_epoch=2, **options)
    expected = whole.skip(2 * STEPS).take(STEPS)
    for (a, b), (c, d) in zip(expected, resumed.take(STEPS), strict=True):
        np.testing.assert_array_equal(a, c)
        np.testing.assert_array_equal(b, d)


def test_augmentation_differs_from_batch_to_batch(labels):
    images = np.full((COUNT, SIZE, SIZE, 3), 100, np.uint8)
    augment = Augmentation(brightness=0.5)
    dataset = training_batches(images, labels, BATCH, augment=augment)
    values = [x[:, 0, 0, 0].numpy() for x, _ in dataset.take(2 * STEPS)]
    assert len(np.unique(values)) == 2 * STEPS * BATCH


def test_paths_give_the_batches_that_their_pixels_give(paths, images, labels):
    from_paths = training_batches(paths, labels, BATCH, image_size=SIZE)
    from_memory = training_batches(
        load_images(paths, SIZE), labels, BATCH, image_size=SIZE
    )
    expected = numbers(training_batches(images, labels, BATCH), STEPS)
    assert numbers(from_paths, STEPS) == expected
    assert numbers(from_memory, STEPS) == expected


def test_load_images_resizes_and_names_a_file_that_is_not_an_image(
    paths, tmp_path
):
    assert load_images(paths, 5).shape == (COUNT, 5, 5, 3)
    broken = tmp_path / "broken.jpg"
    broken.write_bytes(b"nothing")
    with pytest.raises(ValueError, match="Expected a JPEG.*broken.jpg"):
        load_images([*paths, str(broken)], SIZE)


def test_replicas_share_out_each_batch(images, labels, strategy_of):
    dataset = training_batches(images, labels, BATCH)
    strategy = strategy_of(2)
    first = next(iter(strategy.experimental_distribute_dataset(dataset)))
    rows = tf.concat(strategy.experimental_local_results(first[0]), axis=0)
    expected = next(iter(dataset))[0]
    np.testing.assert_array_equal(rows, expected)


@pytest.mark.parametrize("identities", [None, 2])
def test_workers_with_a_context_read_their_parts_of_each_batch(
    paths, labels, identities
):
    options = {
        "image_size": SIZE,
        "augment": Augmentation(brightness=0.5),
        "identities_per_batch": identities,
        "seed": 3,
    }
    whole = training_batches(paths, labels, BATCH, **options).take(2 * STEPS)
    # Two workers, the second of two replicas, which take turns.
    for worker, replicas, halves in ((0, 2, [0, 1]), (1, 4, [2, 3])):
        context = tf.distribute.InputContext(2, worker, replicas)
        part = training_batches(
            paths, labels, BATCH, context=context, **options
        )
        size = BATCH // replicas
        assert part.element_spec[0].shape == [size, SIZE, SIZE, 3]
        rows = part.unbatch().batch(BATCH // 2)
        for (a, b), (c, d) in zip(whole, rows, strict=False):
            np.testing.assert_allclose(a.numpy()[halves], c, rtol=1e-6)
            np.testing.assert_array_equal(b.numpy()[halves], d)


def test_balanced_batches_hold_the_identities_and_resume(images):
    labels = np.array([0] * 6 + [1] * 3 + [2] * 2)
    options = {"identities_per_batch": 2, "augment": Augmentation(), "seed": 1}
    whole = training_batches(images, labels, BATCH, **options)
    for _, batch in whole.take(4 * STEPS):
        _, counts = np.unique(batch, return_counts=True)
        assert counts.tolist() == [2, 2]
    resumed = training_batches(images, labels, BATCH, first_epoch=2, **options)
    expected = whole.skip(2 * STEPS).take(STEPS)
    for (a, b), (c, d) in zip(expected, resumed.take(STEPS), strict=True):
        np.testing.assert_array_equal(a, c)
        np.testing.assert_array_equal(b, d)


def test_a_bad_image_stops_with_its_name(paths, labels):
    Path(paths[7]).write_bytes(b"nothing")
    dataset = training_batches(paths, labels, BATCH, image_size=SIZE)
    with pytest.raises(tf.errors.InvalidArgumentError) as error:
        list(dataset.take(2 * STEPS + 1))
    assert bad_image_message(error.value) == (
        f"Expected a JPEG, PNG, BMP or GIF image. Received: {paths[7]}"
    )
    Path(paths[7]).unlink()
    with pytest.raises(tf.errors.InvalidArgumentError) as error:
        list(dataset.take(2 * STEPS + 1))
    assert f"Received: {paths[7]}: " in bad_image_message(error.value)


def test_another_image_of_the_batch_stands_for_a_skipped_one(paths, caplog):
    for bad in (2, 7):
        Path(paths[bad]).write_bytes(b"nothing")
    skipped = SkippedImages()
    dataset = training_batches(
        paths,
        np.arange(COUNT),
        BATCH,
        image_size=SIZE,
        on_bad_image=skipped,
        seed=4,
    )
    batches = list(dataset.take(5 * STEPS))
    for images, labels in batches:
        assert images.shape == [BATCH, SIZE, SIZE, 3]
        np.testing.assert_array_equal(images[:, 0, 0, 0] // 10, labels)
        assert not {2, 7} & set(labels.numpy())
    assert skipped.messages == {
        f"Expected a JPEG, PNG, BMP or GIF image. Received: {paths[bad]}"
        for bad in (2, 7)
    }
    assert len(caplog.messages) == 2


def test_a_batch_without_a_good_image_stops(paths, labels):
    for path in paths:
        Path(path).write_bytes(b"nothing")
    dataset = training_batches(
        paths, labels, BATCH, image_size=SIZE, on_bad_image=SkippedImages()
    )
    with pytest.raises(tf.errors.InvalidArgumentError) as error:
        next(iter(dataset))
    assert "Received: none, and at last" in bad_image_message(error.value)


def test_load_readable_leaves_bad_images_out(paths):
    Path(paths[7]).write_bytes(b"nothing")
    skipped = SkippedImages()
    done = []
    pixels, rows = load_readable(paths, SIZE, skipped, done.append)
    assert done == [COUNT]
    assert rows.tolist() == [i for i in range(COUNT) if i != 7]
    np.testing.assert_array_equal(pixels[:, 0, 0, 0], 10 * rows)
    assert len(skipped.messages) == 1


def test_errors_name_the_argument(images, labels):
    with pytest.raises(ValueError, match="11 images.*batch_size=12"):
        training_batches(images, labels, 12)
    with pytest.raises(ValueError, match="Expected 11 labels.*=10"):
        training_batches(images, labels[:10], BATCH)
