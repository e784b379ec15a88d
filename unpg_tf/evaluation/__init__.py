"""Verification: pairs of images, embeddings, exact metrics, reports."""

from unpg_tf.evaluation.accepted import Separation
from unpg_tf.evaluation.bin_pairs import read_bin
from unpg_tf.evaluation.bootstrap import bootstrap_intervals
from unpg_tf.evaluation.callback import VerificationCallback
from unpg_tf.evaluation.embed import Embedder
from unpg_tf.evaluation.evaluate_templates import evaluate_templates
from unpg_tf.evaluation.evaluator import Evaluation
from unpg_tf.evaluation.evaluator import evaluate_pairs
from unpg_tf.evaluation.event_log import EventLog
from unpg_tf.evaluation.identification import Identification
from unpg_tf.evaluation.identification import identify_among_distractors
from unpg_tf.evaluation.identification import identify_open_set
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
from unpg_tf.evaluation.roc import RocCurve
from unpg_tf.evaluation.roc import auc
from unpg_tf.evaluation.roc import eer
from unpg_tf.evaluation.roc import roc_curve
from unpg_tf.evaluation.roc import tar_at_far
from unpg_tf.evaluation.roc import threshold_at_far
from unpg_tf.evaluation.search import top_matches
from unpg_tf.evaluation.served_model import ServedModel
from unpg_tf.evaluation.statistics_callback import StatisticsCallback
from unpg_tf.evaluation.stored import CachedEmbedder
from unpg_tf.evaluation.stored import StoredEmbeddings
from unpg_tf.evaluation.stored import image_names
from unpg_tf.evaluation.stored import write_embeddings
from unpg_tf.evaluation.templates import pool_templates
from unpg_tf.evaluation.verification import FoldAccuracy
from unpg_tf.evaluation.verification import accuracy_at
from unpg_tf.evaluation.verification import best_threshold
from unpg_tf.evaluation.verification import fold_accuracy
from unpg_tf.evaluation.verification import pair_similarities
from unpg_tf.evaluation.verification import separation

__all__ = [
    "CachedEmbedder",
    "Embedder",
    "Evaluation",
    "EventLog",
    "FoldAccuracy",
    "Identification",
    "Pairs",
    "RocCurve",
    "Separation",
    "ServedModel",
    "StatisticsCallback",
    "StoredEmbeddings",
    "Templates",
    "VerificationCallback",
    "accuracy_at",
    "auc",
    "best_threshold",
    "bootstrap_intervals",
    "eer",
    "evaluate_embeddings",
    "evaluate_pair_lists",
    "evaluate_pairs",
    "evaluate_templates",
    "fold_accuracy",
    "identify_among_distractors",
    "identify_open_set",
    "image_names",
    "load_keras_file",
    "load_model",
    "pair_similarities",
    "plot_roc",
    "plot_similarities",
    "pool_templates",
    "rates_report",
    "read_bin",
    "read_ijb",
    "read_pair_lists",
    "read_pairs",
    "roc_curve",
    "separation",
    "synthetic_pairs",
    "tar_at_far",
    "threshold_at_far",
    "top_matches",
    "training_of",
    "verification_report",
    "write_embeddings",
    "write_report",
]
