"""What the replicas of a `tf.distribute` strategy say to each other."""

from unpg_tf.distribute.cluster import Cluster
from unpg_tf.distribute.cluster import read_cluster
from unpg_tf.distribute.local_workers import run_local_workers
from unpg_tf.distribute.multi_worker import MultiWorkerMirroredStrategy
from unpg_tf.distribute.rendezvous import wait_for_workers
from unpg_tf.distribute.replicas import all_gather
from unpg_tf.distribute.replicas import all_sum
from unpg_tf.distribute.replicas import as_global_mean
from unpg_tf.distribute.replicas import first_row
from unpg_tf.distribute.replicas import gather_batch
from unpg_tf.distribute.replicas import gather_labels
from unpg_tf.distribute.replicas import mean_of_all
from unpg_tf.distribute.replicas import of_all_rows
from unpg_tf.distribute.shards import as_shards
from unpg_tf.distribute.shards import is_in_part
from unpg_tf.distribute.shards import is_kept
from unpg_tf.distribute.shards import is_sharded
from unpg_tf.distribute.shards import keep
from unpg_tf.distribute.shards import own_shard
from unpg_tf.distribute.shards import rows_of_a_shard
from unpg_tf.distribute.workers import is_chief
from unpg_tf.distribute.workers import num_workers

__all__ = [
    "Cluster",
    "MultiWorkerMirroredStrategy",
    "all_gather",
    "all_sum",
    "as_global_mean",
    "as_shards",
    "first_row",
    "gather_batch",
    "gather_labels",
    "is_chief",
    "is_in_part",
    "is_kept",
    "is_sharded",
    "keep",
    "mean_of_all",
    "num_workers",
    "of_all_rows",
    "own_shard",
    "read_cluster",
    "rows_of_a_shard",
    "run_local_workers",
    "wait_for_workers",
]
