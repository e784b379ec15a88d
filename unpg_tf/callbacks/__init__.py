"""Keras callbacks: verification, statistics, checkpoints, logs."""

from unpg_tf.callbacks.checkpoint_files import last_checkpoint
from unpg_tf.callbacks.checkpoints import Checkpoints
from unpg_tf.callbacks.checkpoints import OtherRunError
from unpg_tf.callbacks.csv_log import CSVLog
from unpg_tf.callbacks.event_log import EventLog
from unpg_tf.callbacks.finite_gradients import FiniteGradients
from unpg_tf.callbacks.progbar_log import ProgbarLog
from unpg_tf.callbacks.resuming import resumable_fit
from unpg_tf.callbacks.scalar_log import ScalarLog
from unpg_tf.callbacks.skipped_count import SkippedCount
from unpg_tf.callbacks.statistics import StatisticsCallback
from unpg_tf.callbacks.verification import VerificationCallback

__all__ = [
    "CSVLog",
    "Checkpoints",
    "EventLog",
    "FiniteGradients",
    "OtherRunError",
    "ProgbarLog",
    "ScalarLog",
    "SkippedCount",
    "StatisticsCallback",
    "VerificationCallback",
    "last_checkpoint",
    "resumable_fit",
]
