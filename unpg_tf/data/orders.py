"""In which order the images of an epoch come, and how often."""

import numpy as np
import tensorflow as tf

from unpg_tf import ops


def shuffled(count, batch_size, seed, epoch):
    """Every image once, in an order of its own for each seed and epoch.

    Args:
        count: integer, number of images.
        batch_size: integer; what doesn't fill a last batch is left out.
        seed: integer.
        epoch: integer or scalar tensor.

    Returns:
        [count // batch_size, batch_size] int32 tensor of rows.
    """
    order = tf.random.experimental.stateless_shuffle(
        tf.range(count), [seed, epoch]
    )
    steps = count // batch_size
    return tf.reshape(order[: steps * batch_size], [steps, batch_size])


class Balanced:
    """Batches of P identities, K = batch_size / P images of each.

    Each identity comes about as often as any other, however many images it
    has, and no batch holds one twice. Its images come in turn: K of them
    differ, unless it has fewer than K.

    Args:
        labels: [n] integer array.
        batch_size: integer.
        identities_per_batch: integer, P.
        seed: integer.

    Raises:
        ValueError: P doesn't divide the batch, or there are fewer identities.

    Example:
        >>> order = Balanced(labels, 64, identities_per_batch=16, seed=0)
        >>> order(epoch=0).shape  # Four images of each of 16 identities.
        (208, 64)

    Source: Hermans et al., "In Defense of the Triplet Loss for Person
    Re-Identification", https://arxiv.org/abs/1703.07737
    """

    def __init__(self, labels, batch_size, identities_per_batch, seed):
        self.labels = np.asarray(labels)
        self.starts, self.sizes = np.unique(
            np.sort(self.labels), return_index=True, return_counts=True
        )[1:]
        self.steps = len(self.labels) // batch_size
        self.identities = identities_per_batch
        self.images = batch_size // identities_per_batch
        self.seed = seed
        ops.expect(
            batch_size % identities_per_batch == 0,
            f"a divisor of batch_size={batch_size}",
            identities_per_batch=identities_per_batch,
        )
        ops.expect(
            identities_per_batch <= len(self.sizes),
            f"at most the {len(self.sizes)} identities that there are",
            identities_per_batch=identities_per_batch,
        )

    def __call__(self, epoch):
        """[steps, batch_size] int32 array of an epoch's rows."""
        rng = np.random.default_rng([self.seed, int(epoch)])
        mixed = rng.permutation(len(self.labels)).astype(np.int32)
        # Grouped by identity, in an order of the epoch's own within each.
        mixed = mixed[np.argsort(self.labels[mixed], kind="stable")]
        who = self._identities(rng)
        turn = _occurrences(who)
        places = turn[:, None] * self.images + np.arange(self.images)
        rows = mixed[self.starts[who, None] + places % self.sizes[who, None]]
        return rows.reshape(self.steps, -1)

    def _identities(self, rng):
        """[steps * P] identities; every P are cut from one permutation."""
        whole = len(self.sizes) // self.identities * self.identities
        count = self.steps * self.identities
        rounds = [
            rng.permutation(len(self.sizes))[:whole]
            for _ in range(-(-count // whole))
        ]
        return np.concatenate(rounds)[:count]


def _occurrences(values):
    """How often each value has stood before: [a, b, a] -> [0, 0, 1]."""
    order = np.argsort(values, kind="stable")
    new = np.diff(values[order], prepend=-1) != 0
    position = np.arange(len(values))
    first = np.maximum.accumulate(np.where(new, position, 0))
    turn = np.empty(len(values), np.int64)
    turn[order] = position - first
    return turn
