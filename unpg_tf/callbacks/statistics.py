"""What UNPG does in a training, and a word where it goes bad."""

import logging
import math

import numpy as np
import tensorflow as tf
from tensorflow import keras

from unpg_tf import compat
from unpg_tf import distribute
from unpg_tf import losses
from unpg_tf import ops
from unpg_tf.callbacks.due import is_due
from unpg_tf.callbacks.event_log import EventLog
from unpg_tf.evaluation.embed import Embedder

# Embeddings of a fresh network are all alike at first. They have collapsed if
# they still are so many steps later, or have been apart before.
_FRESH_STEPS = 200
_APART = 0.5
# Where the softmax gets less than this wrong before half of the epochs, UNPG
# gained nothing (docs/guides/results.md).
_LEARNED = 0.5

# Name, the number on whose wrong side it is bad, and what was expected. NaN is
# on the wrong side of any.
_AT_MOST = (
    (
        "negative_mean",
        0.9,
        "embeddings that tell classes apart (a lower learning rate or margin, "
        "a longer warm-up)",
    ),
)
_AT_LEAST = (
    # Quartiles keep a half of all numbers.
    (
        "kept_share",
        0.1,
        "whiskers that keep a half of the negative pairs (finite embeddings, "
        "a batch of several classes)",
    ),
    # Keras starts at 2**15, and halves where a gradient isn't finite.
    (
        "loss_scale",
        16.0,
        "a loss scale that stays up (a lower learning rate, or bfloat16, "
        "which needs none)",
    ),
)


class StatisticsCallback(keras.callbacks.Callback):
    """Adds the statistics of UNPG to the logs of each epoch.

    They are measured outside of the training's steps, on one batch that stays
    the same, which the model embeds as it would after the training: whatever
    the number of replicas, the pairs are those of the whole batch. The logs
    get, where the loss is

        any: `negative_mean`, `negative_std`;
        one of a head: `inf_positive`, `sup_negative`, and for one centre a
        class `center_mean`, `center_max`;
        `MarginLoss`, `UNPGLoss`: `wrong_share`;
        `UNPGLoss`: `kept_share`, `whisker_low`, `whisker_high`, `unpg_share`,
        `bounded_share`;

    as `unpg_tf.ops.pair_statistics`, `separation_statistics`,
    `center_statistics`, `softmax_statistics` and `unpg_statistics` explain
    them; and `loss_scale` in half precision. Callbacks that read them, such
    as `CSVLogger` and `TensorBoard`, have to come later in the list.

    It warns once each, by the logger "unpg_tf", where the embeddings collapse
    (strangers have a mean similarity of 0.9 and more, after 200 steps or once
    it has been below 0.5), where the whiskers keep almost nothing, and where
    the loss scale falls to 16 or less. With `UNPGLoss` it says too where the
    classes are learned so fast that the negative pairs gained nothing in
    measurements: where `wrong_share` is below 0.5 before half of the epochs.

    Args:
        images: paths or array, as an `Embedder` takes them: about as many as
            in a batch of the training.
        labels: [n] integer array.
        every: integer, steps between two measurements within an epoch, which
            go to `log_dir` alone; `None` for the ends of epochs.
        log_dir: folder for TensorBoard to find the numbers in, by the
            optimizer's steps; `None` for none.
        batch_size: as in `Embedder`.

    Raises:
        ValueError: images and labels differ in number; when the training
            starts also for a model that isn't an `EmbeddingModel`.

    Example:
        >>> statistics = StatisticsCallback(images[:512], labels[:512])
        >>> log = keras.callbacks.CSVLogger("log.csv")
        >>> model.fit(dataset, callbacks=[statistics, log])
    """

    def __init__(self, images, labels, every=None, log_dir=None, batch_size=64):
        super().__init__()
        ops.expect(
            len(images) == len(labels) > 0,
            "as many labels as images",
            images=len(images),
            labels=len(labels),
        )
        ops.expect_counts(batch_size=batch_size)
        if every is not None:
            ops.expect_counts(every=every)
        self.images = images
        self.labels = np.asarray(labels, np.int32)
        self.every = every
        self.log_dir = log_dir
        self.batch_size = batch_size
        self._warned = set()
        self._were_apart = False

    def on_train_begin(self, logs=None):
        """Prepares the measurement of the model in training."""
        ops.expect(
            hasattr(self.model, "head"), "an EmbeddingModel", model=self.model
        )
        self._embedder = Embedder(
            self.model,
            flip=False,
            batch_size=self.batch_size,
            unit_length=False,
        )
        self._measure = tf.function(_measurement(self.model), autograph=False)
        is_chief = distribute.is_chief(self.model.distribute_strategy)
        self._log = None
        if self.log_dir is not None and is_chief:
            self._log = EventLog(self.log_dir)

    def on_train_batch_begin(self, batch, logs=None):
        """Notes the first of the steps that Keras takes at once."""
        self._first = batch

    def on_train_batch_end(self, batch, logs=None):
        """Measures every so many steps."""
        if self.every and is_due(self.every, self._first, batch + 1):
            self.measure()

    def on_epoch_end(self, epoch, logs=None):
        """Measures, and adds the results to `logs`."""
        statistics = self.measure()
        if 2 * (epoch + 1) <= self.params.get("epochs", 0):
            self._say_whether_unpg_helps(statistics, epoch + 1)
        if logs is not None:
            logs.update(statistics)

    def measure(self):
        """Measures now, warns and logs.

        Returns:
            Dictionary of names to floats.
        """
        embeddings = self._embedder(self.images)
        found = self._measure(tf.constant(embeddings), self.labels)
        statistics = {name: float(value) for name, value in found.items()}
        scale = compat.loss_scale(self.model.optimizer)
        if scale is not None:
            statistics["loss_scale"] = scale
        self._warn(statistics)
        if self._log is not None:
            self._log.write_scalars(self._step(), statistics)
        return statistics

    def _say_whether_unpg_helps(self, statistics, epochs):
        wrong = statistics.get("wrong_share", 1.0)
        is_unpg = isinstance(self.model.loss, losses.UNPGLoss)
        if is_unpg and wrong < _LEARNED and "wrong_share" not in self._warned:
            self._warned.add("wrong_share")
            logging.getLogger("unpg_tf").warning(
                "Expected classes that take longer to learn where UNPG is to "
                "help: compare with MarginLoss. Received: wrong_share=%.4g "
                "after %d of %d epochs",
                wrong,
                epochs,
                self.params["epochs"],
            )

    def _warn(self, statistics):
        if self._is_fresh(statistics["negative_mean"]):
            statistics = {**statistics, "negative_mean": 0.0}
        for sign, checks in ((1, _AT_MOST), (-1, _AT_LEAST)):
            for name, bound, expected in checks:
                value = statistics.get(name, sign * -math.inf)
                if not sign * value < sign * bound and name not in self._warned:
                    self._warned.add(name)
                    logging.getLogger("unpg_tf").warning(
                        "Expected %s. Received: %s=%.4g after %d steps",
                        expected,
                        name,
                        value,
                        self._step(),
                    )

    def _is_fresh(self, negative_mean):
        """Whether the embeddings may all be alike, as none have been apart."""
        self._were_apart |= negative_mean < _APART
        return (
            math.isfinite(negative_mean)
            and not self._were_apart
            and self._step() < _FRESH_STEPS
        )

    def _step(self):
        return int(tf.convert_to_tensor(self.model.optimizer.iterations))


def _measurement(model):
    """A function of embeddings and labels to the dictionary of scalars."""
    loss = model.loss

    def measure(embeddings, labels):
        embeddings = tf.cast(embeddings, model.head.compute_dtype)
        units, _ = ops.unit_vectors(embeddings)
        pairs = ops.similarities(units)
        negative = ops.negative_pairs(labels)
        found = ops.pair_statistics(pairs, negative)
        if not isinstance(loss, losses.MarginLoss):
            return found
        centers = tf.convert_to_tensor(model.head.centers)
        targets = _targets(model.head, units, tf.gather(centers, labels))
        cosines, columns = _plain_cosines(model.head, embeddings, labels)
        found |= ops.separation_statistics(
            pairs, negative, cosines, columns, targets
        )
        # The centres of one class may be alike.
        if model.head.centers_per_class == 1:
            found |= ops.center_statistics(centers)
        is_unpg = isinstance(loss, losses.UNPGLoss)
        # Other losses of a head are more, or other, than one softmax.
        if not is_unpg and type(loss) is not losses.MarginLoss:
            return found
        cosines, columns = _cosines(model.head, embeddings, labels, loss.scale)
        found |= ops.softmax_statistics(cosines, columns, loss.scale)
        if is_unpg:
            found |= ops.unpg_statistics(
                pairs,
                negative,
                cosines,
                loss.scale,
                loss.whisker,
                loss.pair_weight,
                loss.max_pair_share,
                loss.max_target_ratio,
                columns,
            )
        return found

    return measure


def _targets(head, units, own):
    """Cosines of images to their own classes, also where a step samples."""
    count = head.centers_per_class
    own, _ = ops.unit_vectors(tf.reshape(own, [-1, units.shape[1]]))
    cosines = tf.reduce_sum(tf.repeat(units, count, axis=0) * own, axis=1)
    return tf.reduce_max(tf.reshape(cosines, [-1, count]), axis=1)


def _plain_cosines(head, embeddings, labels):
    """Cosines of all classes, or of a sample, and the labels' columns."""
    if head.sample_rate < 1:
        return head.sampled(embeddings, labels, training=False)
    return head(embeddings), labels


def _cosines(head, embeddings, labels, scale):
    """As in a step of the training: with the margin, reweighted in a sample."""
    if head.sample_rate < 1:
        return head.sampled(embeddings, labels, training=False, scale=scale)
    return head(embeddings, labels, training=False), labels
