import numpy as np
import pytest
import tensorflow as tf

from unpg_tf.data import Augmentation
from unpg_tf.data import load_images
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
    for augment, dtype in ((None, tf.uint8), (Augmentation(), tf.float32)):
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


def test_errors_name_the_argument(images, labels):
    with pytest.raises(ValueError, match="11 images.*batch_size=12"):
        training_batches(images, labels, 12)
    with pytest.raises(ValueError, match="Expected 11 labels.*=10"):
        training_batches(images, labels[:10], BATCH)
