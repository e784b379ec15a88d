"""Workers that don't train in step are refused, by a real cluster of them."""

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).absolute().parents[2]
PROGRAM = """
import socket
import tensorflow as tf
from unpg_tf import losses

def address():
    with socket.socket() as free:
        free.bind(("localhost", 0))
        return f"localhost:{free.getsockname()[1]}"

cluster = tf.train.ClusterSpec({"worker": [address()], "ps": [address()]})
servers = [tf.distribute.Server(cluster, kind, 0) for kind in cluster.jobs]
resolver = tf.distribute.cluster_resolver.SimpleClusterResolver(
    cluster, rpc_layer="grpc"
)
strategy = tf.distribute.experimental.ParameterServerStrategy(resolver)
coordinator = tf.distribute.experimental.coordinator.ClusterCoordinator(
    strategy
)
loss = losses.UNPGLoss(embedding_dim=2)

@tf.function
def step():
    return strategy.run(lambda: loss([0, 1], tf.ones([2, 4])))

try:
    coordinator.schedule(step)
    coordinator.join()
except ValueError as error:
    print(error, flush=True)
import os
os._exit(0)
"""


def test_parameter_servers_are_refused():
    process = subprocess.run(
        [sys.executable, "-c", PROGRAM],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert "Expected replicas that train in step" in process.stdout, (
        process.stderr
    )
    assert "Received: ParameterServerStrategy" in process.stdout
