"""Protocols, embeddings and reports of an evaluation."""

from unpg_tf.evaluation.bin_pairs import read_bin
from unpg_tf.evaluation.comparison import plot_comparison
from unpg_tf.evaluation.dominant import Kept
from unpg_tf.evaluation.dominant import keep_dominant
from unpg_tf.evaluation.embed import Embedder
from unpg_tf.evaluation.evaluate_templates import evaluate_templates
from unpg_tf.evaluation.evaluator import Evaluation
from unpg_tf.evaluation.evaluator import evaluate_pairs
from unpg_tf.evaluation.held_out import hold_out
from unpg_tf.evaluation.ijb import Templates
from unpg_tf.evaluation.ijb import read_ijb
from unpg_tf.evaluation.load import load_keras_file
from unpg_tf.evaluation.load import load_model
from unpg_tf.evaluation.load import training_of
from unpg_tf.evaluation.pair_list import evaluate_pair_lists
from unpg_tf.evaluation.pair_list import read_pair_lists
from unpg_tf.evaluation.pairs import Pairs
from unpg_tf.evaluation.pairs import read_pairs
from unpg_tf.evaluation.pairs import synthetic_pairs
from unpg_tf.evaluation.plots import plot_roc
from unpg_tf.evaluation.plots import plot_similarities
from unpg_tf.evaluation.report import evaluate_embeddings
from unpg_tf.evaluation.report import rates_report
from unpg_tf.evaluation.report import verification_report
from unpg_tf.evaluation.report import write_report
from unpg_tf.evaluation.served_model import ServedModel
from unpg_tf.evaluation.stored import CachedEmbedder
from unpg_tf.evaluation.stored import StoredEmbeddings
from unpg_tf.evaluation.stored import image_names
from unpg_tf.evaluation.stored import write_embeddings
from unpg_tf.evaluation.templates import pool_templates
from unpg_tf.moved import moved_names as _moved_names

__all__ = [
    "CachedEmbedder",
    "Embedder",
    "Evaluation",
    "Kept",
    "Pairs",
    "ServedModel",
    "StoredEmbeddings",
    "Templates",
    "evaluate_embeddings",
    "evaluate_pair_lists",
    "evaluate_pairs",
    "evaluate_templates",
    "hold_out",
    "image_names",
    "keep_dominant",
    "load_keras_file",
    "load_model",
    "plot_comparison",
    "plot_roc",
    "plot_similarities",
    "pool_templates",
    "rates_report",
    "read_bin",
    "read_ijb",
    "read_pair_lists",
    "read_pairs",
    "synthetic_pairs",
    "training_of",
    "verification_report",
    "write_embeddings",
    "write_report",
]

__getattr__ = _moved_names(
    __name__,
    metrics=[
        "FoldAccuracy",
        "Identification",
        "RocCurve",
        "Separation",
        "accuracy_at",
        "auc",
        "best_threshold",
        "bootstrap_intervals",
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
    ],
    callbacks=[
        "EventLog",
        "StatisticsCallback",
        "VerificationCallback",
    ],
)
