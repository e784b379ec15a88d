"""The flags of train.py; those of one part of it are beside that part."""

import math

import train_augmentation
import train_data
import train_machine
import train_optimizer
from absl import flags

for _module in (train_augmentation, train_data, train_machine, train_optimizer):
    flags.adopt_module_key_flags(_module)

HEADS = [
    "cosface",
    "arcface",
    "combined",
    "sphereface",
    "magface",
    "adaface",
    "curricularface",
    "elasticface",
]
LOSSES = ["unpg", "margin", "triplet", "multi_similarity", "circle", "npair"]

# Batches.
flags.DEFINE_integer(
    "image_size",
    64,
    "Height and width in pixels, to which images are resized.",
    lower_bound=8,
)
flags.DEFINE_integer(
    "identities_per_batch",
    None,
    "Batches of this many identities, with as many images of each; by default "
    "the images are shuffled, whoever is in them.",
    lower_bound=1,
)

# Model and loss.
flags.DEFINE_string(
    "backbone",
    "small",
    "'small', a compact residual network; 'iresnet18', 'iresnet34', "
    "'iresnet50', 'iresnet100' or 'iresnet200', the network of the papers; "
    "'mobilefacenet', for phones; 'vit_t', 'vit_s', 'vit_b', transformers; or "
    "the name of a model of keras.applications, such as MobileNetV2; or, with "
    "Keras 2, tfm:resnet-50, tfm:mobilenet-MobileNetV2, tfm:efficientnet-b0 "
    "and their like of the TensorFlow Model Garden (tf-models-official).",
)
flags.DEFINE_float(
    "center_crop",
    1.0,
    "Part of the side of an image that the backbone looks at, around the "
    "centre. A face's surroundings change from image to image: 0.875 suits "
    "LFW's alignment. The crop is a layer of the model.",
    lower_bound=0.1,
    upper_bound=1.0,
)
flags.DEFINE_integer(
    "embedding_dim", 512, "Dimension of the embeddings.", lower_bound=1
)
flags.DEFINE_float(
    "dropout",
    None,
    "Rate of the dropout before the embedding; by default the backbone's own: "
    "0.4 for small and iresnet, none for others.",
    lower_bound=0.0,
    upper_bound=0.9,
)
flags.DEFINE_bool(
    "gradient_checkpointing",
    False,
    "With iresnet, mobilefacenet and vit: keep no maps within their blocks for "
    "the backward pass, which computes them again: less memory, more time.",
)
flags.DEFINE_string(
    "init_from",
    None,
    "A trained model.keras with the same backbone, whose weights to start "
    "from. Its head is left, as its classes are others.",
)
flags.DEFINE_string(
    "freeze",
    None,
    "Regular expression: layers of the backbone whose whole name it matches "
    "aren't trained; '.*' trains the head alone.",
)
flags.DEFINE_enum("head", "cosface", HEADS, "Margin head.")
flags.DEFINE_float(
    "margin",
    None,
    "Margin of the head; by default the head's own. Not for combined and "
    "magface, which have several: see --head_option.",
    lower_bound=0.0,
)
flags.DEFINE_multi_string(
    "head_option",
    [],
    "A further argument of the head's class in unpg_tf.layers, NAME=VALUE, "
    "such as upper_margin=0.7 for magface. May be repeated.",
)
flags.DEFINE_float(
    "sample_rate",
    1.0,
    "Share of the class centres that a step trains on, besides those of its "
    "own images: below 1 for more classes than memory or patience allows.",
)
flags.register_validator(
    "sample_rate",
    lambda rate: 0 < rate <= 1,
    "Expected --sample_rate above 0, at most 1.",
)
flags.DEFINE_bool(
    "sharded",
    False,
    "Divide the class centres among the devices of --strategy=mirrored, each "
    "of which then holds and trains its share.",
)
flags.DEFINE_enum(
    "product_dtype",
    None,
    ["bfloat16", "float16"],
    "Half precision for the factors of the products with class centres, and "
    "of the pairs' with --loss=unpg; margin and softmax stay in float32. "
    "--mixed_precision is the backbone's.",
)
flags.DEFINE_string(
    "loss",
    "unpg",
    "unpg: the softmax with the negative pairs of the batch. margin: the "
    "same without. triplet, multi_similarity, circle, npair compare embeddings "
    "alone, leave --head untrained, and take --loss_option instead of --scale; "
    "so do tfa:TripletSemiHardLoss, TripletHardLoss, LiftedStructLoss, "
    "NpairsLoss and ContrastiveLoss, the losses of TensorFlow Addons, on "
    "TensorFlow 2.15 alone; --loss_option=global_batch=false compares the "
    "images of each replica alone, as Addons does by itself.",
)
flags.register_validator(
    "loss",
    lambda loss: loss in LOSSES or loss.startswith("tfa:"),
    f"Expected {', '.join(LOSSES)} or tfa:NAME",
)
flags.DEFINE_float(
    "scale",
    64.0,
    "Factor of the cosines in the softmax.",
    lower_bound=1e-6,
)
flags.DEFINE_float(
    "whisker",
    1.5,
    "With --loss=unpg: pairs further than this many interquartile ranges "
    "from the quartiles are noise, and left out. 0.5 is gentler than the "
    "paper's 1.5, and better in short training from scratch.",
    lower_bound=0.0,
)
flags.DEFINE_float(
    "max_pair_share",
    1.0,
    "With --loss=unpg: the largest part of a row's denominator in the softmax "
    "that the pairs can hold. 1 is the paper's loss, without a bound. Try 0.2 "
    "in short training from scratch.",
)
flags.register_validator(
    "max_pair_share",
    lambda share: 0 < share <= 1,
    "Expected --max_pair_share above 0, at most 1.",
)
flags.DEFINE_multi_string(
    "loss_option",
    [],
    "A further argument of the loss's class in unpg_tf.losses, NAME=VALUE. "
    "May be repeated.",
)

# Optimisation.
flags.DEFINE_integer(
    "batch_size",
    64,
    "Images per step, of all replicas together.",
    lower_bound=2,
)
flags.DEFINE_integer(
    "epochs", 12, "Passes over the training images.", lower_bound=1
)
flags.DEFINE_enum(
    "on_nan",
    "stop",
    ["stop", "skip"],
    "What to do with a step whose gradients aren't finite: they never reach "
    "the weights, and its batch is saved in OUTPUT_DIR/bad_batches. stop: end "
    "the run. skip: go on.",
)
flags.DEFINE_integer(
    "seed", 0, "Seed of weights, order and augmentation.", lower_bound=0
)

# Output.
flags.DEFINE_string(
    "output_dir",
    None,
    "Folder to write model.keras, checkpoints/, log.csv, tensorboard/ and "
    "flags.txt to. Required.",
)
flags.DEFINE_bool(
    "resume",
    False,
    "Continue the run in --output_dir from its last checkpoint.",
)
flags.DEFINE_integer(
    "checkpoint_steps",
    0,
    "Save a checkpoint every so many steps of an epoch, beside that at its "
    "end.",
    lower_bound=0,
)
flags.DEFINE_integer(
    "statistics_steps",
    0,
    "Measure the statistics of UNPG every so many steps of an epoch as well, "
    "into tensorboard/steps; at its end they are logged in any case.",
    lower_bound=0,
)


def _is_number(name):
    # No bound refuses NaN. An infinite whisker keeps every pair.
    infinite = name == "whisker"

    def is_number(value):
        return value is None or math.isfinite(value) or (infinite and value > 0)

    return is_number


for _flag in flags.FLAGS.get_key_flags_for_module(__name__):
    if _flag.flag_type() == "float":
        flags.register_validator(
            _flag.name, _is_number(_flag.name), "Expected a finite number"
        )
