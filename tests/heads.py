"""Every head that tests run over, and what its oracle says of one step."""

import statistics

import numpy as np
import tensorflow as tf

from tests import oracle
from unpg_tf import layers

# A large weight of the new batch, so that an average that isn't updated
# before its use shows.
EMA_RATE = 0.4
SEED = 3


def _adaface(cosines, norms, labels):
    state = oracle.adaface_state(norms, (20.0, 100.0), EMA_RATE)
    return oracle.adaface(cosines, norms, labels, state)


def adacos_state(cosines, labels):
    start = np.sqrt(2) * np.log(len(cosines[0]) - 1)
    return oracle.adacos_state(cosines, labels, start)


def _adacos(cosines, norms, labels):
    return oracle.adacos(cosines, norms, labels, adacos_state(cosines, labels))


def _curricularface(cosines, norms, labels):
    t = oracle.curricularface_state(cosines, labels, 0.0, EMA_RATE)
    return oracle.curricularface(cosines, norms, labels, t)


def _elasticface(kind, margin):
    def head(cosines, norms, labels):
        # The draws of the first step: this seed's bits, the upper 23 of each
        # as a quantile of the normal distribution.
        bits = tf.random.stateless_uniform(
            [len(labels)], [SEED, 1], None, None, tf.int32, alg="philox"
        )
        quantiles = ((bits.numpy() >> 9) + 0.5) / 2**23 + 0.5
        draws = [statistics.NormalDist().inv_cdf(q) for q in quantiles]
        margins = margin + 0.05 * np.array(draws)
        return oracle.elasticface(cosines, norms, labels, margins, kind)

    return head


def _sphereface(cosines, norms, labels):
    weight = max(5.0, 1000.0 / (1.0 + 30.0 * 1))
    return oracle.sphereface(cosines, norms, labels, 2.5, weight)


# name: class, arguments, (cosines, norms, labels) -> cosines after the first
# step of training.
HEADS = {
    "plain": (layers.MarginHead, {}, oracle.plain),
    "cosface": (
        layers.CosFace,
        {"margin": 0.4},
        lambda *batch: oracle.cosface(*batch, 0.4),
    ),
    "arcface": (
        layers.ArcFace,
        {"margin": 0.6},
        lambda *batch: oracle.arcface(*batch, 0.6),
    ),
    "arcface_threshold": (
        layers.ArcFace,
        {"margin": 1.5, "threshold": True},
        lambda *batch: oracle.arcface(*batch, 1.5, threshold=True),
    ),
    "combined": (
        layers.CombinedMargin,
        {"m1": 1.2, "m2": 0.3, "m3": 0.1},
        lambda *batch: oracle.combined(*batch, 1.2, 0.3, 0.1),
    ),
    "sphereface": (
        layers.SphereFace,
        {"margin": 2.5, "anneal_rate": 30.0},
        _sphereface,
    ),
    "magface": (layers.MagFace, {}, oracle.magface),
    "adaface": (layers.AdaFace, {"ema_rate": EMA_RATE}, _adaface),
    "curricularface": (
        layers.CurricularFace,
        {"ema_rate": EMA_RATE},
        _curricularface,
    ),
    "elastic_arcface": (
        layers.ElasticFace,
        {"seed": SEED},
        _elasticface("arcface", 0.5),
    ),
    "elastic_cosface": (
        layers.ElasticFace,
        {"seed": SEED, "kind": "cosface"},
        _elasticface("cosface", 0.35),
    ),
    "mv_cosface": (layers.MVSoftmax, {}, oracle.mv_softmax),
    "mv_arcface": (
        layers.MVSoftmax,
        {"margin": 0.9, "weight": 1.3, "kind": "arcface"},
        lambda *batch: oracle.mv_softmax(*batch, 0.9, 1.3, "arcface"),
    ),
    "x2_softmax": (layers.X2Softmax, {}, oracle.x2_softmax),
    "adacos": (layers.AdaCos, {"scale": 16.0}, _adacos),
    # Its oracle needs more than cosines to one centre a class.
    "subcenter_arcface": (
        layers.SubcenterArcFace,
        {"margin": 0.6, "centers_per_class": 2},
        None,
    ),
}
ALL = [name for name in HEADS if name != "subcenter_arcface"]
# Those for any number of classes, a part of them, and any loss.
NAMES = [name for name in ALL if name != "adacos"]
STATEFUL = [
    "sphereface",
    "adaface",
    "curricularface",
    "elastic_arcface",
    "elastic_cosface",
]


def make(name, num_classes, **arguments):
    """A head of HEADS."""
    head, own_arguments, _ = HEADS[name]
    return head(num_classes, **{**own_arguments, **arguments})


def expected(name, cosines, norms, labels):
    """The cosines after the first step of training, by the oracle."""
    return HEADS[name][2](cosines, norms, labels)


def batch(rows, dim, num_classes, seed=0):
    """Embeddings of many lengths, about class centres; labels; centres."""
    rng = np.random.default_rng(seed)
    centers = rng.normal(size=[num_classes, dim])
    labels = rng.integers(0, num_classes, rows).astype("int32")
    embeddings = oracle.unit(centers[labels])
    embeddings += rng.normal(size=[rows, dim]) / np.sqrt(dim)
    lengths = rng.uniform(5.0, 120.0, [rows, 1])
    return lengths * oracle.unit(embeddings), labels, centers
