"""The unified softmax: class centres and negative pairs."""

import math
import numbers

from tensorflow import keras

from unpg_tf import distribute
from unpg_tf import ops
from unpg_tf.losses.margin_loss import MarginLoss


@keras.utils.register_keras_serializable("unpg_tf")
class UNPGLoss(MarginLoss):
    """Unified negative pair generation on top of any margin head.

    loss_i = -s cos_iy + log(sum_j exp(s cos_ij) + w sum_pq exp(s e_p.e_q))

    The second sum runs over all pairs of the global batch whose classes
    differ, less those that a box-and-whisker filter calls noise: with the
    pairs' quartiles Q1 and Q3, kept are the similarities in
    [Q1 - whisker (Q3 - Q1), Q3 + whisker (Q3 - Q1)]. It is the same for every
    row, and so costs half a [batch, batch] matrix in all. On several
    replicas the pairs of the whole batch count, on each of them.

    A `max_pair_share` below 1 bounds the pairs' part of every denominator.
    With Z_i = sum_j exp(s cos_ij), P = w sum_pq exp(s e_p.e_q) and that share r

    loss_i = -s cos_iy + log(Z_i + min(P, Z_i r / (1 - r)))

    without a gradient through the bound. Where it is active, the gradient of
    a row is (1 - r) times that of `MarginLoss` and r times that of
    log P - s cos_iy. As r approaches 0 the loss becomes `MarginLoss`. The
    default of 1 is the paper's loss, which has no bound.

    A `max_target_ratio` k bounds them by what the row's target counts too:
    instead of P there is at most k exp(s cos_iy), likewise without a gradient
    through the bound. So the pairs wait until a row's target has been learned.

    The bounds are this library's. In short training the pairs hold nearly all
    of every denominator without them, and the class centres get almost no
    gradient. A share of 0.1 with a ratio of 10 is recommended
    (docs/guides/results.md).

    Args:
        scale: float, above 0: s, the inverse temperature.
        whisker: float, at least 0, or infinite for no filter. The paper takes
            1.5 for MS1MV2 and 1.0 for K-FACE.
        embedding_dim: int, above 0: how many of the last columns of `y_pred`
            are the embedding.
        pair_weight: float, above 0: w, what a pair counts in the softmax
            beside a class centre. The paper's loss has 1.
        product_dtype: "bfloat16" or "float16", in which the factors of the
            pairs' products are taken; their sums, the filter and the softmax
            stay in float32. `None` for float32 throughout.
        max_pair_share: float in (0, 1]: the largest part of a row's
            denominator that the pairs can hold. 1 is the paper's loss.
        max_target_ratio: float above 0: how many times as much as a row's
            target the pairs can count at most; infinite or `None`, as in the
            paper, for no such bound.
        **kwargs: Arguments of `MarginLoss`.

    Call arguments:
        y_true: [batch] or [batch, 1] integer class ids.
        y_pred: [batch, num_classes + embedding_dim] float tensor: cosines
            with the margin applied, then embeddings.

    Raises:
        ValueError: For an argument out of range, or `y_pred` without a
            column for a class.
        tf.errors.InvalidArgumentError: If a label is out of range. In code
            compiled by XLA the loss is NaN instead.

    Example:

    >>> head = unpg_tf.layers.ArcFace(num_classes)
    >>> model = unpg_tf.models.EmbeddingModel(backbone, head)
    >>> model.compile("sgd", unpg_tf.losses.UNPGLoss(embedding_dim=512))
    >>> model.fit(dataset)  # of images and labels

    Reference: Jung et al., *Unified Negative Pair Generation toward Well-
    discriminative Feature Space for Face Recognition*, BMVC 2022.
    """

    def __init__(
        self,
        scale=64.0,
        whisker=1.5,
        embedding_dim=512,
        pair_weight=1.0,
        product_dtype=None,
        max_pair_share=1.0,
        max_target_ratio=None,
        **kwargs,
    ):
        super().__init__(scale=scale, embedding_dim=embedding_dim, **kwargs)
        ops.expect(
            isinstance(whisker, numbers.Real) and whisker >= 0,
            "whisker of at least 0",
            whisker=whisker,
        )
        ops.expect_numbers(pair_weight=pair_weight)
        ops.expect(
            pair_weight > 0, "pair_weight above 0", pair_weight=pair_weight
        )
        ops.expect_product_dtype(product_dtype, "float32")
        ops.expect_shares(max_pair_share=max_pair_share)
        if max_target_ratio is None:
            max_target_ratio = math.inf
        ops.expect(
            isinstance(max_target_ratio, numbers.Real) and max_target_ratio > 0,
            "max_target_ratio above 0",
            max_target_ratio=max_target_ratio,
        )
        self.whisker = float(whisker)
        self.pair_weight = float(pair_weight)
        self.product_dtype = product_dtype
        self.max_pair_share = float(max_pair_share)
        self.max_target_ratio = float(max_target_ratio)

    def softmax_losses(self, cosines, labels, embeddings):
        """See `MarginLoss.softmax_losses`."""
        log_negatives, all_rows = distribute.of_all_rows(
            self._log_mass, embeddings, labels
        )
        losses = ops.softmax_loss(
            cosines,
            labels,
            self.scale,
            log_negatives,
            self.max_pair_share,
            self.max_target_ratio,
        )
        return losses, all_rows

    def _log_mass(self, embeddings, labels):
        ops.expect_product_dtype(self.product_dtype, embeddings.dtype.name)
        mass = ops.negative_mass(
            embeddings, labels, self.whisker, self.scale, self.product_dtype
        )
        return mass + math.log(self.pair_weight)

    def get_config(self):
        """The arguments of the constructor, serialisable."""
        return {
            **super().get_config(),
            "whisker": self.whisker,
            "pair_weight": self.pair_weight,
            "product_dtype": self.product_dtype,
            "max_pair_share": self.max_pair_share,
            # JSON has no infinity.
            "max_target_ratio": None
            if math.isinf(self.max_target_ratio)
            else self.max_target_ratio,
        }
