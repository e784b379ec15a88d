"""What the replicas of a `tf.distribute` strategy say to each other."""

from unpg_tf.distribute.local_workers import run_local_workers
from unpg_tf.distribute.multi_worker import MultiWorkerMirroredStrategy
from unpg_tf.distribute.replicas import all_gather
from unpg_tf.distribute.replicas import as_global_mean
from unpg_tf.distribute.replicas import gather_batch
from unpg_tf.distribute.replicas import mean_of_all
from unpg_tf.distribute.replicas import of_all_rows
from unpg_tf.distribute.replicas import row_numbers

__all__ = [
    "MultiWorkerMirroredStrategy",
    "all_gather",
    "as_global_mean",
    "gather_batch",
    "mean_of_all",
    "of_all_rows",
    "row_numbers",
    "run_local_workers",
]
