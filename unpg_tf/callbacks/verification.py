"""Verification at the end of each epoch of a training."""

import logging

import numpy as np
from tensorflow import keras

from unpg_tf import distribute
from unpg_tf import ops
from unpg_tf.callbacks.event_log import EventLog
from unpg_tf.evaluation.embed import Embedder
from unpg_tf.evaluation.evaluator import check_threshold_pairs
from unpg_tf.evaluation.evaluator import evaluate_pairs
from unpg_tf.evaluation.pairs import Pairs


class VerificationCallback(keras.callbacks.Callback):
    """Adds the verification of pairs to the logs of each epoch.

    The logs get `val_pair_accuracy`, `val_auc`, `val_eer`, and
    `val_tar_at_far_0.1` and so on where there are enough pairs. Callbacks
    that read them, such as `CSVLogger`, `TensorBoard` and `ModelCheckpoint`,
    have to come later in the list. Those that monitor one need a `mode`,
    "min" for `val_eer` and "max" for all others: Keras 2 guesses it by the
    name, and would keep the model with the lowest `val_auc`.

    An image whose embedding isn't finite counts as like no other, with a
    warning by the logger "unpg_tf": in float16 a network overflows after its
    first steps, as long as the moving averages of batch normalisation lag
    behind, and is none the worse for it later.

    Args:
        pairs: the `Pairs` to measure on.
        threshold_pairs: the `Pairs` to choose the threshold on; needed where
            `pairs` has one fold, and not read where it has several.
        image_size: as in `Embedder`.
        flip: as in `Embedder`.
        batch_size: as in `Embedder`.
        log_dir: folder for TensorBoard to find the numbers, the ROC curve and
            the histograms of the similarities in; None for none. Needs
            matplotlib.

    Raises:
        ValueError: `threshold_pairs` is missing.
        ImportError: there is a `log_dir` but no matplotlib, at the end of the
            first epoch.

    Example:
        >>> verification = VerificationCallback(
        ...     read_pairs("lfw/pairsDevTest.txt", root="lfw"),
        ...     read_pairs("lfw/pairsDevTrain.txt", root="lfw"),
        ... )
        >>> log = keras.callbacks.CSVLogger("log.csv")
        >>> model.fit(dataset, callbacks=[verification, log])
    """

    def __init__(
        self,
        pairs,
        threshold_pairs=None,
        image_size=None,
        flip=True,
        batch_size=64,
        log_dir=None,
    ):
        super().__init__()
        ops.expect(isinstance(pairs, Pairs), "pairs, a Pairs", pairs=pairs)
        check_threshold_pairs(pairs, threshold_pairs)
        self.pairs = pairs
        self.threshold_pairs = threshold_pairs
        self.image_size = image_size
        self.flip = flip
        self.batch_size = batch_size
        self.log_dir = log_dir

    def on_train_begin(self, logs=None):
        """Prepares the embedding of images by the model in training."""
        self._embedder = _FiniteEmbedder(
            Embedder(self.model, self.image_size, self.flip, self.batch_size)
        )
        is_chief = distribute.is_chief(self.model.distribute_strategy)
        self._log = None
        if self.log_dir is not None and is_chief:
            self._log = EventLog(self.log_dir)

    def on_epoch_end(self, epoch, logs=None):
        """Evaluates, and adds the results to `logs`."""
        report, similarities = evaluate_pairs(
            self._embedder, self.pairs, self.threshold_pairs, replicates=0
        )
        if self._log is not None:
            self._log.write(
                epoch,
                _logs(report),
                similarities,
                self.pairs.same,
                report["threshold"],
            )
        if logs is not None:
            logs.update(_logs(report))


class _FiniteEmbedder:
    """Puts zeros in place of embeddings that aren't finite, and warns."""

    def __init__(self, embedder):
        self.embedder = embedder
        self.flip = embedder.flip

    def __call__(self, images, verbose=0):
        embeddings = self.embedder(images, verbose)
        finite = np.isfinite(embeddings).all(axis=1)
        if not finite.all():
            logging.getLogger("unpg_tf").warning(
                "Expected finite embeddings to verify (with float16 only once "
                "the moving averages of batch normalisation have settled). "
                "Received: %d of %d that aren't, and count as like no other",
                np.sum(~finite),
                len(finite),
            )
        return np.where(finite[:, np.newaxis], embeddings, 0.0)


def _logs(report):
    rates = report["tar_at_far"].items()
    return {
        "val_pair_accuracy": report["accuracy"],
        "val_auc": report["auc"],
        "val_eer": report["eer"],
        **{
            f"val_tar_at_far_{far}": tar
            for far, tar in rates
            if tar is not None
        },
    }
