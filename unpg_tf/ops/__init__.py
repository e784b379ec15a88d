"""Pure functions on tensors: the mathematics of margins and of UNPG.

Nothing here knows of Keras or of `tf.distribute`. Functions keep the float
dtype that they are given; callers that train in half precision cast to
float32 first.
"""

from unpg_tf.ops.angles import add_angle
from unpg_tf.ops.angles import angle_of
from unpg_tf.ops.checks import expect
from unpg_tf.ops.checks import expect_counts
from unpg_tf.ops.checks import expect_numbers
from unpg_tf.ops.checks import expect_shares
from unpg_tf.ops.checks import in_single_precision
from unpg_tf.ops.condensed import condensed_cosines
from unpg_tf.ops.condensed import log_mass_of_others
from unpg_tf.ops.condensed import targets_within
from unpg_tf.ops.cosines import cosines_to
from unpg_tf.ops.labels import class_ids
from unpg_tf.ops.labels import expect_label_form
from unpg_tf.ops.labels import label_error_in
from unpg_tf.ops.negative_mass import negative_mass
from unpg_tf.ops.negatives import kept_negatives
from unpg_tf.ops.negatives import kept_pairs
from unpg_tf.ops.negatives import log_mass
from unpg_tf.ops.negatives import negative_pairs
from unpg_tf.ops.negatives import positive_pairs
from unpg_tf.ops.negatives import similarities
from unpg_tf.ops.negatives import whisker_bounds
from unpg_tf.ops.order_statistics import order_statistics
from unpg_tf.ops.products import expect_product_dtype
from unpg_tf.ops.products import product
from unpg_tf.ops.products import rounded
from unpg_tf.ops.sampling import columns_of
from unpg_tf.ops.sampling import log_weights
from unpg_tf.ops.sampling import sampled_classes
from unpg_tf.ops.sampling import with_steady_gradients
from unpg_tf.ops.softmax import softmax_loss
from unpg_tf.ops.statistics import center_statistics
from unpg_tf.ops.statistics import pair_statistics
from unpg_tf.ops.statistics import separation_statistics
from unpg_tf.ops.statistics import softmax_statistics
from unpg_tf.ops.statistics import unpg_statistics
from unpg_tf.ops.targets import replace_targets
from unpg_tf.ops.targets import targets_of
from unpg_tf.ops.unit import unit_vectors

__all__ = [
    "add_angle",
    "angle_of",
    "center_statistics",
    "class_ids",
    "columns_of",
    "condensed_cosines",
    "cosines_to",
    "expect",
    "expect_counts",
    "expect_label_form",
    "expect_numbers",
    "expect_product_dtype",
    "expect_shares",
    "in_single_precision",
    "kept_negatives",
    "kept_pairs",
    "label_error_in",
    "log_mass",
    "log_weights",
    "log_mass_of_others",
    "negative_mass",
    "negative_pairs",
    "order_statistics",
    "pair_statistics",
    "positive_pairs",
    "product",
    "replace_targets",
    "rounded",
    "sampled_classes",
    "separation_statistics",
    "similarities",
    "softmax_loss",
    "softmax_statistics",
    "targets_of",
    "targets_within",
    "unit_vectors",
    "unpg_statistics",
    "whisker_bounds",
    "with_steady_gradients",
]
