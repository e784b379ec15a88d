"""Numbers from similarities: ROC, folds, ranks, bootstrap, search.

Arrays of NumPy in, numbers out; nothing here knows of images or models.
"""

from unpg_tf.metrics.accepted import Separation
from unpg_tf.metrics.bootstrap import bootstrap_intervals
from unpg_tf.metrics.bootstrap import difference_intervals
from unpg_tf.metrics.identification import Identification
from unpg_tf.metrics.identification import identify_among_distractors
from unpg_tf.metrics.identification import identify_open_set
from unpg_tf.metrics.roc import RocCurve
from unpg_tf.metrics.roc import auc
from unpg_tf.metrics.roc import eer
from unpg_tf.metrics.roc import roc_curve
from unpg_tf.metrics.roc import tar_at_far
from unpg_tf.metrics.roc import threshold_at_far
from unpg_tf.metrics.search import top_matches
from unpg_tf.metrics.verification import FoldAccuracy
from unpg_tf.metrics.verification import accuracy_at
from unpg_tf.metrics.verification import best_threshold
from unpg_tf.metrics.verification import fold_accuracy
from unpg_tf.metrics.verification import pair_similarities
from unpg_tf.metrics.verification import separation

__all__ = [
    "FoldAccuracy",
    "Identification",
    "RocCurve",
    "Separation",
    "accuracy_at",
    "auc",
    "best_threshold",
    "bootstrap_intervals",
    "difference_intervals",
    "eer",
    "fold_accuracy",
    "identify_among_distractors",
    "identify_open_set",
    "pair_similarities",
    "roc_curve",
    "separation",
    "tar_at_far",
    "threshold_at_far",
    "top_matches",
]
