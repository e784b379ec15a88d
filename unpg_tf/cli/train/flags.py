r"""unpg train: trains face embeddings with a margin head and UNPG.

Synthetic identities, no data at hand, a few minutes on two cores:

    unpg train --output_dir=runs/demo

Faces, LFW's View 1, verified after each epoch on people not trained on:

    unpg train --data=lfw --people=lfw/peopleDevTrain.txt \
        --min_images=2 --pairs=lfw/pairsDevTest.txt \
        --threshold_pairs=lfw/pairsDevTrain.txt --output_dir=runs/lfw

All GPUs of this machine, a larger network, half precision:

    unpg train --data=faces --backbone=ResNet50 --image_size=112 \
        --batch_size=512 --strategy=mirrored \
        --mixed_precision=bfloat16 --output_dir=runs/faces

OUTPUT_DIR gets the trained model.keras, a log.csv with a row per epoch,
tensorboard/, checkpoints/ to --resume from, tensorflow.log with TensorFlow's
own messages, and flags.txt, which --flagfile=OUTPUT_DIR/flags.txt reads to run
the same again.
"""

import json
import os

from absl import flags

from unpg_tf.cli.topics import Topic
from unpg_tf.cli.topics import expect_no
from unpg_tf.cli.topics import require
from unpg_tf.cli.train import augmentation_flags
from unpg_tf.cli.train import data_flags
from unpg_tf.cli.train import machine_flags
from unpg_tf.cli.train import optimizer_flags

FLAGS = flags.FlagValues()
HEADS = [
    "cosface",
    "arcface",
    "combined",
    "sphereface",
    "magface",
    "adaface",
    "curricularface",
    "elasticface",
    "mv_softmax",
    "x2_softmax",
    "adacos",
    "subcenter_arcface",
    "uniface",
    "uss",
    "unitsface",
]
LOSSES = [
    "unpg",
    "margin",
    "uce",
    "unitsface",
    "upg",
    "mixface",
    "triplet",
    "multi_similarity",
    "circle",
    "npair",
    "sn_pair",
]
# What --help shows first.
FIRST = (
    "data",
    "output_dir",
    "resume",
    "pairs",
    "threshold_pairs",
    "backbone",
    "image_size",
    "embedding_dim",
    "head",
    "margin",
    "loss",
    "scale",
    "whisker",
    "max_pair_share",
    "max_target_ratio",
    "batch_size",
    "epochs",
    "learning_rate",
    "strategy",
    "seed",
)

data_flags.define(FLAGS)
model = Topic("Model", FLAGS)
model.string(
    "backbone",
    "small",
    "'small', a compact residual network; 'iresnet18', 'iresnet34', "
    "'iresnet50', 'iresnet100' or 'iresnet200', the network of the papers; "
    "'mobilefacenet', for phones; 'vit_t', 'vit_s', 'vit_b', transformers; or "
    "the name of a model of keras.applications, such as MobileNetV2; or, with "
    "Keras 2, tfm:resnet-50, tfm:mobilenet-MobileNetV2, tfm:efficientnet-b0 "
    "and their like of the TensorFlow Model Garden (tf-models-official).",
)
model.integer(
    "image_size",
    64,
    "Height and width in pixels, to which images are resized.",
    lower_bound=8,
)
model.integer(
    "embedding_dim", 512, "Dimension of the embeddings.", lower_bound=1
)
model.number(
    "center_crop",
    1.0,
    "Part of the side of an image that the backbone looks at, around the "
    "centre. A face's surroundings change from image to image: 0.875 suits "
    "LFW's alignment. The crop is a layer of the model.",
    lower_bound=0.1,
    upper_bound=1.0,
)
model.number(
    "dropout",
    None,
    "Rate of the dropout before the embedding; by default the backbone's own: "
    "0.4 for small and iresnet, none for others.",
    lower_bound=0.0,
    upper_bound=0.9,
)
model.switch(
    "gradient_checkpointing",
    False,
    "With iresnet, mobilefacenet and vit: keep no maps within their blocks for "
    "the backward pass, which computes them again: less memory, more time.",
)
model.string(
    "init_from",
    None,
    "A trained model.keras with the same backbone, whose weights to start "
    "from. Its head is left, as its classes are others.",
)
model.string(
    "freeze",
    None,
    "Regular expression: layers of the backbone whose whole name it matches "
    "aren't trained; '.*' trains the head alone.",
)

head = Topic("Head", FLAGS)
head.choice("head", "cosface", HEADS, "Margin head.")
head.number(
    "margin",
    None,
    "Margin of the head; by default the head's own. Not for adacos, which has "
    "none, nor for combined, magface and x2_softmax, which have several "
    "numbers: see --head_option.",
    lower_bound=0.0,
)
head.repeated(
    "head_option",
    "A further argument of the head's class in unpg_tf.layers, NAME=VALUE, "
    "such as upper_margin=0.7 for magface. May be repeated.",
)
head.number(
    "sample_rate",
    1.0,
    "Share of the class centres that a step trains on, besides those of its "
    "own images: below 1 for more classes than memory or patience allows.",
    lower_bound=0.0,
    upper_bound=1.0,
    is_open=True,
)
head.switch(
    "sharded",
    False,
    "Divide the class centres among the devices of --strategy=mirrored, each "
    "of which then holds and trains its share.",
)
head.choice(
    "product_dtype",
    None,
    ["bfloat16", "float16"],
    "Half precision for the factors of the products with class centres, and "
    "of the pairs' with --loss=unpg; margin and softmax stay in float32. "
    "--mixed_precision is the backbone's.",
)

loss = Topic("Loss", FLAGS)
loss.choice(
    "loss",
    "unpg",
    LOSSES,
    "unpg: the softmax with the negative pairs of the batch. margin: the "
    "same without. uce: each class by itself, with --head=uniface or "
    "uss. unitsface: the softmax and uce, with --head=unitsface. upg: targets "
    "and pairs of one class against all negatives of the batch. mixface: the "
    "softmax, and positive pairs against negative ones, at scales of its own; "
    "both are made for --head=arcface. triplet, multi_similarity, circle, "
    "npair, sn_pair compare embeddings alone, leave --head untrained, and take "
    "--loss_option instead of --scale; so do tfa:TripletSemiHardLoss, "
    "TripletHardLoss, LiftedStructLoss, NpairsLoss and ContrastiveLoss, the "
    "losses of TensorFlow Addons, on TensorFlow 2.15 alone; "
    "--loss_option=global_batch=false compares the images of each replica "
    "alone, as Addons does by itself.",
    prefix="tfa:",
)
loss.number(
    "scale",
    64.0,
    "Factor of the cosines in the softmax. With --head=adacos it changes "
    "nothing.",
    lower_bound=1e-6,
)
loss.number(
    "whisker",
    1.5,
    "With --loss=unpg: pairs further than this many interquartile ranges "
    "from the quartiles are noise, and left out.",
    lower_bound=0.0,
    is_infinite=True,
)
loss.number(
    "max_pair_share",
    0.1,
    "With --loss=unpg: the largest part of a row's denominator in the softmax "
    "that the pairs can hold. 1 is the paper's loss, without a bound.",
    lower_bound=0.0,
    upper_bound=1.0,
    is_open=True,
)
loss.number(
    "max_target_ratio",
    10.0,
    "With --loss=unpg: the pairs count at most this many times what a row's "
    "target does, so that they wait until it has been learned. inf is the "
    "paper's loss, without a bound.",
    lower_bound=0.0,
    is_open=True,
    is_infinite=True,
)
loss.repeated(
    "loss_option",
    "A further argument of the loss's class in unpg_tf.losses, NAME=VALUE. "
    "May be repeated.",
)

training = Topic("Training", FLAGS)
training.integer(
    "batch_size",
    64,
    "Images per step, of all replicas together.",
    lower_bound=2,
)
training.integer(
    "identities_per_batch",
    None,
    "Batches of this many identities, with as many images of each; by default "
    "the images are shuffled, whoever is in them.",
    lower_bound=1,
)
training.integer(
    "epochs", 12, "Passes over the training images.", lower_bound=1
)
training.integer(
    "seed", 0, "Seed of weights, order and augmentation.", lower_bound=0
)
training.choice(
    "on_nan",
    "stop",
    ["stop", "skip"],
    "What to do with a step whose gradients aren't finite: they never reach "
    "the weights, and its batch is saved in OUTPUT_DIR/bad_batches. stop: end "
    "the run. skip: go on.",
)

output = Topic("Output", FLAGS)
output.string(
    "output_dir",
    None,
    "Folder to write model.keras, checkpoints/, log.csv, tensorboard/, "
    "flags.txt and tensorflow.log to. Required.",
)
output.switch_or(
    "resume",
    False,
    ["auto"],
    "Continue the run in --output_dir from its last checkpoint. "
    "--resume=auto begins where there is none, and ends at once where all "
    "epochs are done: the same command serves for every restart.",
)
output.integer(
    "checkpoint_steps",
    0,
    "Save a checkpoint every so many steps of an epoch, beside that at its "
    "end.",
    lower_bound=0,
)
output.integer(
    "statistics_steps",
    0,
    "Measure the statistics of UNPG every so many steps of an epoch as well, "
    "into tensorboard/steps; at its end they are logged in any case.",
    lower_bound=0,
)

optimizer_flags.define(FLAGS)
augmentation_flags.define(FLAGS)
machine_flags.define(FLAGS)


def check(*arguments):
    """Raises a ValueError where arguments or flags don't fit each other."""
    expect_no(arguments)
    require(FLAGS, "output_dir")


def speaks():
    """Whether this process says what concerns all workers."""
    if FLAGS.strategy != "multi_worker":
        return True
    try:
        config = json.loads(os.environ.get("TF_CONFIG") or "{}")
        task, jobs = config.get("task", {}), config.get("cluster", {})
        kind, index = task.get("type", "worker"), task.get("index", 0)
        return kind == "chief" or ("chief" not in jobs and index == 0)
    except (AttributeError, TypeError, ValueError):
        return True
