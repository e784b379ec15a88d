"""Keras callbacks: verification, statistics, checkpoints, logs."""

from unpg_tf.callbacks.checkpoints import Checkpoints
from unpg_tf.callbacks.checkpoints import last_checkpoint
from unpg_tf.callbacks.event_log import EventLog
from unpg_tf.callbacks.finite_gradients import FiniteGradients
from unpg_tf.callbacks.logs import ScalarLog
from unpg_tf.callbacks.logs import csv_log
from unpg_tf.callbacks.statistics import StatisticsCallback
from unpg_tf.callbacks.verification import VerificationCallback

__all__ = [
    "Checkpoints",
    "EventLog",
    "FiniteGradients",
    "ScalarLog",
    "StatisticsCallback",
    "VerificationCallback",
    "csv_log",
    "last_checkpoint",
]
