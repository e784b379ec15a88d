"""What isn't an argument, and the message that it gets."""

import re

import numpy as np
import pytest

from unpg_tf import backbones
from unpg_tf import callbacks
from unpg_tf import data
from unpg_tf import evaluation
from unpg_tf import layers
from unpg_tf import losses
from unpg_tf import metrics
from unpg_tf import models
from unpg_tf import optimizers
from unpg_tf import serving

NAN, INF = float("nan"), float("inf")
NO_NUMBERS = ("0.5", None, True, NAN, INF, -INF)
NO_COUNTS = (*NO_NUMBERS, 0, -1, 1.5)

IMAGES = np.zeros([4, 16, 16, 3], np.uint8)
EMBEDDINGS = np.eye(4, dtype=np.float32)
SIMILARITIES, SAME = [0.1, 0.4, 0.3, 0.8], [False, True, False, True]


def head(name, **fixed):
    return lambda **arguments: getattr(layers, name)(
        **{"num_classes": 5, **fixed, **arguments}
    )


def mix_face(**arguments):
    return losses.MixFaceLoss(**{"num_classes": 5, **arguments})


def embedding_model(**arguments):
    known = {"backbone": BACKBONE, "head": layers.CosFace(5)}
    return models.EmbeddingModel(**{**known, **arguments})


def batches(**arguments):
    known = {"images": IMAGES, "labels": [0, 1, 0, 1], "batch_size": 2}
    return data.training_batches(**{**known, **arguments})


def save(**arguments):
    known = {"directory": "unwritten", "threshold": 0.3}
    return serving.save(BACKBONE, **{**known, **arguments})


def labelled(**arguments):
    known = {"num_identities": 2, "images_per_identity": 2, "image_size": 16}
    return data.labelled_images(**{**known, **arguments})


def pairs(**arguments):
    known = {"first_identity": 0, "num_pairs": 2, "image_size": 16}
    return data.verification_pairs(**{**known, **arguments})


def backbone(**arguments):
    known = {"name": "small", "image_size": 32, "embedding_dim": 8}
    return backbones.build(**{**known, **arguments})


def intervals(**arguments):
    return metrics.bootstrap_intervals(SIMILARITIES, SAME, **arguments)


def open_set(**arguments):
    return metrics.identify_open_set(
        EMBEDDINGS, [0, 1, 2, 3], EMBEDDINGS[:2], [0, 1], **arguments
    )


def distractors(**arguments):
    return metrics.identify_among_distractors(
        EMBEDDINGS, [0, 0, 1, 1], EMBEDDINGS, **arguments
    )


def rates(**arguments):
    return metrics.tar_at_far(SIMILARITIES, SAME, **arguments)


def accuracy(**arguments):
    return metrics.accuracy_at(SIMILARITIES, SAME, **arguments)


def matches(**arguments):
    return metrics.top_matches(EMBEDDINGS, EMBEDDINGS, **arguments)


def embedder(**arguments):
    return evaluation.Embedder(BACKBONE, **arguments)


def statistics(**arguments):
    return callbacks.StatisticsCallback(IMAGES, [0, 1, 0, 1], **arguments)


def warm_up(**arguments):
    return optimizers.WarmUp(
        **{"schedule": len, "warmup_steps": 3, **arguments}
    )


BACKBONE = backbone()

# Of each function the arguments that are no numbers, and those that aren't
# even of the right size or sign.
NUMBERS = [
    (head("CosFace"), "margin", (-0.1,)),
    (head("CosFace"), "sample_rate", (0, 1.1)),
    (head("ArcFace"), "margin", (-0.1, 3.2)),
    (head("SphereFace"), "margin", (0.9,)),
    (head("SphereFace"), "anneal_start", (-1,)),
    (head("MagFace"), "lower_norm", (0, 111)),
    (head("MagFace"), "upper_margin", (0.1,)),
    (head("MagFace"), "regularization", (-1,)),
    (head("AdaFace"), "margin", (-0.1,)),
    (head("AdaFace"), "h", (0,)),
    (head("AdaFace"), "ema_rate", (0, 1.1)),
    (head("CurricularFace"), "ema_rate", (0, 1.1)),
    (head("ElasticFace"), "std", (-1,)),
    (head("MVSoftmax"), "margin", (-0.1,)),
    (head("MVSoftmax"), "weight", (0.9,)),
    (head("AdaCos"), "scale", (0, -1)),
    (head("AdaCos"), "num_classes", (1, 2)),
    (head("UniFace"), "margin", (-0.1,)),
    (head("UniFace"), "scale", (0, -1)),
    (head("USS"), "start_step", (-1, 0.5)),
    (head("UniTSFace"), "sample_margin", (-0.1,)),
    (head("UniTSFace"), "cosface_steps", (-1, 0.5)),
    (head("X2Softmax"), "a", (0,)),
    (head("X2Softmax"), "h", ()),
    (head("X2Softmax"), "k", ()),
    (head("CombinedMargin"), "m1", (0,)),
    (head("CombinedMargin"), "m2", (-0.1,)),
    (head("CombinedMargin"), "m3", (-0.1,)),
    (losses.MarginLoss, "scale", (0, -1)),
    (losses.UCELoss, "scale", (0, -1)),
    (mix_face, "num_classes", (0, 1, 1.5)),
    (mix_face, "margin", (-0.1, 1.6)),
    (mix_face, "error", (0, 0.5)),
    (losses.UNPGLoss, "scale", (0, -1)),
    (losses.UNPGLoss, "pair_weight", (0, -1)),
    (losses.UNPGLoss, "max_pair_share", (0, -0.1, 1.1)),
    (losses.UPGLoss, "margin", (-0.1, 3.2)),
    (losses.CircleLoss, "margin", (-0.1, 1.1)),
    (losses.CircleLoss, "gamma", (0,)),
    (losses.MultiSimilarityLoss, "alpha", (0,)),
    (losses.MultiSimilarityLoss, "epsilon", (-0.1,)),
    (losses.NPairLoss, "scale", (0,)),
    (losses.SNPairLoss, "scale", (0,)),
    (losses.TripletSemiHardLoss, "margin", (0,)),
    (backbone, "center_crop", (0, 1.1)),
    (data.Augmentation, "zoom", (-0.1, 1)),
    (data.Augmentation, "brightness", (-0.1, 1.1)),
    (accuracy, "threshold", ()),
]
COUNTS = [
    (head("CosFace"), "num_classes"),
    (head("SubcenterArcFace"), "centers_per_class"),
    (losses.MarginLoss, "embedding_dim"),
    (losses.NPairLoss, "embedding_dim"),
    (backbone, "image_size"),
    (backbone, "embedding_dim"),
    (batches, "batch_size"),
    (labelled, "num_identities"),
    (labelled, "images_per_identity"),
    (pairs, "num_pairs"),
    (pairs, "image_size"),
    (intervals, "replicates"),
    (embedder, "batch_size"),
    (statistics, "batch_size"),
    (warm_up, "warmup_steps"),
]
# Of these None stands for what is chosen without them.
OPTIONAL_COUNTS = [
    (batches, "image_size"),
    (batches, "identities_per_batch"),
    (embedder, "image_size"),
    (statistics, "every"),
    (save, "image_size"),
]
OTHERS = [
    (head("ElasticFace"), "kind", "sphereface", "kind"),
    (head("CosFace", dtype="int32"), "margin", 0.4, "float32 or float64"),
    (losses.UNPGLoss, "whisker", -0.1, "whisker of at least 0"),
    (losses.UPGLoss, "whisker", NAN, "whisker of at least 0"),
    (losses.UPGLoss, "positive_whisker", -1, "positive_whisker of at"),
    (losses.UNPGLoss, "product_dtype", "float8", "product_dtype 'bfloat16'"),
    (head("CosFace"), "product_dtype", "float32", "product_dtype 'bfloat16'"),
    (
        head("CosFace", dtype="float64"),
        "product_dtype",
        "bfloat16",
        "product_dtype=None where the dtype isn't float32",
    ),
    (losses.UNPGLoss, "whisker", NAN, "whisker of at least 0"),
    (losses.UNPGLoss, "max_target_ratio", NAN, "max_target_ratio above 0"),
    (losses.UNPGLoss, "max_target_ratio", 0, "max_target_ratio above 0"),
    (losses.UNPGLoss, "whisker", "1.5", "whisker of at least 0"),
    (losses.MarginLoss, "norm_penalty", 3, "callable"),
    (embedding_model, "backbone", "small", "a Keras model"),
    (embedding_model, "head", 5, "a MarginHead"),
    (backbone, "name", None, "a string"),
    (backbone, "name", "iresnet19", "iresnet18"),
    (batches, "batch_size", 5, "at most 4 images"),
    (batches, "identities_per_batch", 4, "a divisor of batch_size=2"),
    (batches, "seed", "0", "an integer"),
    (batches, "seed", -1, "at least 0"),
    (batches, "first_epoch", 0.5, "an integer"),
    (batches, "first_step", -1, "at least 0"),
    (batches, "augment", "flip", "a callable or None"),
    (batches, "on_bad_image", "skip", "a callable or None"),
    (rates, "fars", 0.1, "a sequence"),
    (rates, "fars", ["0.1"], "a finite number"),
    (rates, "fars", [0.0], "above 0 and up to 1"),
    (intervals, "fars", [2.0], "above 0 and up to 1"),
    (intervals, "identities", [1, 2], "shape [pairs, 2]"),
    (open_set, "ranks", 1, "sequences"),
    (open_set, "ranks", [], "sequences"),
    (open_set, "ranks", [0], "above 0"),
    (open_set, "fpirs", [0.0], "above 0 and up to 1"),
    (distractors, "ranks", ["1"], "above 0, an integer"),
    (distractors, "fpirs", [NAN], "a finite number"),
    (matches, "k", 0, "k in 1..4"),
    (matches, "k", 5, "k in 1..4"),
    (matches, "k", 1.5, "k in 1..4"),
    (save, "threshold", "0.3", "a cosine in [-1, 1]"),
    (save, "threshold", NAN, "a cosine in [-1, 1]"),
    (save, "threshold", 1.1, "a cosine in [-1, 1]"),
    (save, "false_accept_rate", "0.1", "a rate in (0, 1], or None"),
    (save, "false_accept_rate", NAN, "a rate in (0, 1], or None"),
    (save, "false_accept_rate", 0.0, "a rate in (0, 1], or None"),
    (save, "false_accept_rate", 1.1, "a rate in (0, 1], or None"),
    (save, "card", [], "a dictionary or None"),
    (warm_up, "schedule", 0.1, "a LearningRateSchedule"),
    (callbacks.VerificationCallback, "pairs", 3, "a Pairs"),
    (optimizers.LazyAdamW, "amsgrad", True, "no amsgrad"),
]


def rows(table, wrong):
    return [
        (function, name, value)
        for function, name, *more in table
        for value in (*wrong, *(more[0] if more else ()))
    ]


@pytest.mark.parametrize(
    ("function", "name", "value"),
    [
        *rows(NUMBERS, NO_NUMBERS),
        *rows(COUNTS, NO_COUNTS),
        *rows(OPTIONAL_COUNTS, [x for x in NO_COUNTS if x is not None]),
    ],
)
def test_a_wrong_number_is_named(function, name, value):
    received = f"Expected .*Received: .*{name}={re.escape(repr(value))}"
    with pytest.raises(ValueError, match=received):
        function(**{name: value})


@pytest.mark.parametrize(("function", "name", "value", "expected"), OTHERS)
def test_another_wrong_argument_is_told_what_was_expected(
    function, name, value, expected
):
    message = f"(?s)Expected .*{re.escape(expected)}.*Received: "
    with pytest.raises(ValueError, match=message):
        function(**{name: value})
