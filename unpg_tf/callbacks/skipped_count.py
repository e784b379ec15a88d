"""The number of images that couldn't be read."""

import hashlib

import tensorflow as tf
from tensorflow import keras

from unpg_tf import distribute


class SkippedCount(keras.callbacks.Callback):
    """Adds to the logs of each epoch how many images were skipped.

    `skipped_images` is the number of different images since the program
    started, of all workers.

    Args:
        skipped: `unpg_tf.data.SkippedImages`, as the training's batches have
            it.

    Example:

    >>> skipped = unpg_tf.data.SkippedImages()
    >>> dataset = unpg_tf.data.training_batches(
    ...     paths, labels, 64, image_size=112, on_bad_image=skipped
    ... )
    >>> count = unpg_tf.callbacks.SkippedCount(skipped)
    >>> model.fit(dataset, steps_per_epoch=steps, callbacks=[count])
    """

    def __init__(self, skipped):
        super().__init__()
        self.skipped = skipped

    def on_epoch_end(self, epoch, logs=None):
        """Adds the number to the logs, for the callbacks that follow."""
        strategy = self.model.distribute_strategy
        count = _number_of_all(strategy, self.skipped.messages)
        if logs is not None:
            logs["skipped_images"] = float(count)


def _number_of_all(strategy, texts):
    """The number of different texts in the sets of all workers."""
    if distribute.num_workers(strategy) == 1:
        return len(texts)
    digests = [hashlib.sha256(text.encode()).digest()[:8] for text in texts]
    # None is empty: there is no gathering of nothing.
    numbers = [-1, *(int.from_bytes(d, "big") >> 1 for d in digests)]

    @tf.function
    def run(local):
        return strategy.run(_all_of_all, [local])

    numbers = run(tf.constant(numbers, tf.int64))
    numbers = strategy.experimental_local_results(numbers)[0]
    return len(set(numbers.numpy().tolist())) - 1


def _all_of_all(numbers):
    # It has to be on a device, of which an argument knows nothing.
    return distribute.all_gather(tf.identity(numbers))
