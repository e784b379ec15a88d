"""Verification: pairs of images, embeddings, exact metrics, reports."""

from unpg_tf.evaluation.accepted import Separation
from unpg_tf.evaluation.bin_pairs import read_bin
from unpg_tf.evaluation.bootstrap import bootstrap_intervals
from unpg_tf.evaluation.callback import VerificationCallback
from unpg_tf.evaluation.embed import Embedder
from unpg_tf.evaluation.embed import load_model
from unpg_tf.evaluation.evaluator import Evaluation
from unpg_tf.evaluation.evaluator import evaluate_pairs
from unpg_tf.evaluation.pairs import Pairs
from unpg_tf.evaluation.pairs import read_pairs
from unpg_tf.evaluation.pairs import synthetic_pairs
from unpg_tf.evaluation.plots import plot_roc
from unpg_tf.evaluation.plots import plot_similarities
from unpg_tf.evaluation.report import evaluate_embeddings
from unpg_tf.evaluation.report import verification_report
from unpg_tf.evaluation.report import write_report
from unpg_tf.evaluation.roc import RocCurve
from unpg_tf.evaluation.roc import auc
from unpg_tf.evaluation.roc import eer
from unpg_tf.evaluation.roc import roc_curve
from unpg_tf.evaluation.roc import tar_at_far
from unpg_tf.evaluation.roc import threshold_at_far
from unpg_tf.evaluation.served_model import ServedModel
from unpg_tf.evaluation.verification import FoldAccuracy
from unpg_tf.evaluation.verification import accuracy_at
from unpg_tf.evaluation.verification import best_threshold
from unpg_tf.evaluation.verification import fold_accuracy
from unpg_tf.evaluation.verification import pair_similarities
from unpg_tf.evaluation.verification import separation

__all__ = [
    "Embedder",
    "Evaluation",
    "FoldAccuracy",
    "Pairs",
    "RocCurve",
    "Separation",
    "ServedModel",
    "VerificationCallback",
    "accuracy_at",
    "auc",
    "best_threshold",
    "bootstrap_intervals",
    "eer",
    "evaluate_embeddings",
    "evaluate_pairs",
    "fold_accuracy",
    "load_model",
    "pair_similarities",
    "plot_roc",
    "plot_similarities",
    "read_bin",
    "read_pairs",
    "roc_curve",
    "separation",
    "synthetic_pairs",
    "tar_at_far",
    "threshold_at_far",
    "verification_report",
    "write_report",
]
