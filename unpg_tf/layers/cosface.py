"""CosFace: a margin on the cosine."""

from tensorflow import keras

from unpg_tf import ops
from unpg_tf.layers.margin_head import MarginHead


@keras.utils.register_keras_serializable("unpg_tf")
class CosFace(MarginHead):
    """Large margin cosine: the target t becomes t - margin.

    Args:
        num_classes: int, the number of class centres.
        margin: float, at least 0. The paper's 0.35 is the default; 0.4 is
            common.
        **kwargs: Arguments of `MarginHead`.

    Example:

    >>> head = unpg_tf.layers.CosFace(1000, margin=0.4)
    >>> cosines = head(embeddings, labels)  # [batch, 1000]

    Reference: Wang et al., *CosFace: Large Margin Cosine Loss for Deep Face
    Recognition*, CVPR 2018, equation 4 (without the scale).
    """

    def __init__(self, num_classes, margin=0.35, **kwargs):
        super().__init__(num_classes, **kwargs)
        ops.expect_numbers(margin=margin)
        ops.expect(margin >= 0, "margin of at least 0", margin=margin)
        self.margin = float(margin)

    def target_cosines(self, targets, norms):
        """See `MarginHead.target_cosines`."""
        return targets - self.margin

    def get_config(self):
        """The arguments of the constructor, serialisable."""
        return {**super().get_config(), "margin": self.margin}
