"""TFRecord shards in their own order: long reads, mixed, for tf.data."""

import os

import numpy as np
import tensorflow as tf

_CHUNK = 128
_WINDOW = 8192
_SHARDS_AT_A_TIME = 8


class ShardStream:
    """Reads shard by shard, several at a time, and mixes what it reads.

    The order of the shards, and of the images within windows of 8,192,
    follows from seed and epoch. A disk or a network sees long reads.

    Workers cut the images of an epoch, in the order of its shards, into parts
    that differ by one at most: no image falls to two of them.

    A damaged record, which ends TensorFlow's reading of a file, ends no
    stream: it comes empty, and so do those after it in the shard. Who takes
    them reads them one by one, and learns which is the damaged one.

    Args:
        paths: list of strings, the shards.
        starts: [shards + 1] integer array, the place of each shard's first
            record among those of all shards.
        places: [n] ascending integer array, where the images stand; other
            records are passed over.
        batch_size: integer, images in a batch of this part.
        seed: integer.
        part: integer, which worker's part to read.
        parts: integer, number of workers.

    Example:
        >>> stream = ShardStream(paths, starts, places, 32, seed=0)
        >>> for rows, records in stream(epoch=0): ...
    """

    def __init__(
        self, paths, starts, places, batch_size, seed, part=0, parts=1
    ):
        # The rows of a shard's images are those from one bound to the next.
        bounds = np.searchsorted(places, starts)
        rows = np.full(starts[-1], -1, np.int32)
        rows[places] = np.arange(len(places), dtype=np.int32)
        self._paths = tf.constant(paths)
        self._starts = tf.constant(starts, tf.int64)
        self._places = tf.constant(places, tf.int64)
        self._bounds = tf.constant(bounds, tf.int64)
        self._rows = tf.constant(rows)
        self._first = len(places) * part // parts
        self._last = len(places) * (part + 1) // parts
        self._batch_size = batch_size
        self._seed = seed

    def __call__(self, epoch):
        """The dataset of an epoch's [batch_size] rows and records."""
        images = self._stretches(epoch).interleave(
            self._records,
            cycle_length=_SHARDS_AT_A_TIME,
            num_parallel_calls=tf.data.AUTOTUNE,
            deterministic=True,
        )
        mixed = (
            images.map(self._chosen)
            .rebatch(_WINDOW)
            .enumerate()
            .map(lambda window, batch: self._mix(batch, epoch, window))
        )
        return mixed.rebatch(self._batch_size, drop_remainder=True)

    def _stretches(self, epoch):
        """Shards, and from which to which of their rows this part is."""
        order = self._shuffle(tf.range(len(self._paths)), epoch)
        begin = tf.gather(self._bounds, order)
        size = tf.gather(self._bounds, order + 1) - begin
        before = tf.cumsum(size, exclusive=True)
        first = begin + tf.clip_by_value(self._first - before, 0, size)
        last = begin + tf.clip_by_value(self._last - before, 0, size)
        stretches = tf.stack([tf.cast(order, tf.int64), first, last], axis=1)
        stretches = tf.boolean_mask(stretches, first < last)
        return tf.data.Dataset.from_tensor_slices(stretches)

    def _records(self, stretch):
        """Places and records from a stretch's first to its last, in chunks."""
        shard, first, last = tf.unstack(stretch)
        begin, end = self._places[first], self._places[last - 1] + 1
        places = tf.data.Dataset.range(begin, end)
        records = tf.data.TFRecordDataset(_if_readable(self._paths[shard]))
        records = records.skip(begin - self._starts[shard]).ignore_errors()
        unread = tf.data.Dataset.from_tensors("").repeat()
        records = tf.data.Dataset.zip((places, records.concatenate(unread)))
        return records.batch(_CHUNK)

    def _chosen(self, places, records):
        rows = tf.gather(self._rows, places)
        taken = rows >= 0
        return tf.boolean_mask(rows, taken), tf.boolean_mask(records, taken)

    def _mix(self, batch, epoch, window):
        """Shuffles the rows and the records of a window alike."""
        order = tf.range(tf.size(batch[0]))
        order = self._shuffle(order, epoch * 2**32 + window)
        return tuple(tf.gather(tensor, order) for tensor in batch)

    def _shuffle(self, tensor, number):
        return tf.random.experimental.stateless_shuffle(
            tensor, [self._seed, number]
        )


def _if_readable(path):
    """[1] path, or [0] where a dataset would try for ever to open it."""

    def readable(path):
        return os.access(path, os.R_OK)

    found = tf.numpy_function(readable, [path], tf.bool)
    return tf.boolean_mask(path[tf.newaxis], tf.reshape(found, [1]))
