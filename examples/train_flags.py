"""The flags of train.py."""

import math

import train_augmentation
import train_optimizer
from absl import flags

flags.adopt_module_key_flags(train_augmentation)
flags.adopt_module_key_flags(train_optimizer)
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

# Data.
flags.DEFINE_string(
    "data",
    "synthetic",
    "Folder that holds a folder of JPEG or PNG images per identity, as LFW "
    "and ImageFolder have it; or FILE.rec, InsightFace's RecordIO, with its "
    "FILE.idx beside it; or a pattern of TFRecord shards that convert.py "
    "wrote, 'shards/*.tfrecord'; or 'tfds:NAME', of tensorflow_datasets; or "
    "'synthetic', drawn identities, which needs no download.",
)
flags.DEFINE_string(
    "people",
    None,
    "File in LFW's people format, such as peopleDevTrain.txt: train on the "
    "identities that it lists, and no other. In a .rec their names are their "
    "numbers.",
)
flags.DEFINE_string(
    "exclude_people",
    None,
    "File of identities to leave out, such as those of a test set: a name (of "
    "its folder; in a .rec its number) on each line.",
)
flags.DEFINE_integer(
    "min_images",
    1,
    "Leave out identities with fewer images than this.",
    lower_bound=1,
)
flags.DEFINE_integer(
    "image_size",
    64,
    "Height and width in pixels, to which images are resized.",
    lower_bound=8,
)
flags.DEFINE_bool(
    "cache",
    True,
    "Decode all images into memory first: 3 * image_size² bytes each. "
    "Without it they are read anew in every epoch.",
)

flags.DEFINE_integer(
    "identities_per_batch",
    None,
    "Batches of this many identities, with as many images of each; by default "
    "the images are shuffled, whoever is in them.",
    lower_bound=1,
)
flags.DEFINE_enum(
    "on_bad_image",
    "stop",
    ["stop", "skip"],
    "What to do about an image that can't be read: stop and name it, or log "
    "its name and go on without it.",
)

# Drawn identities.
flags.DEFINE_integer(
    "synthetic_identities",
    400,
    "With --data=synthetic: number of identities.",
    lower_bound=2,
)
flags.DEFINE_integer(
    "synthetic_images",
    16,
    "With --data=synthetic: number of images per identity.",
    lower_bound=1,
)
for _name, _what in {
    "pose": "the pose (shift, rotation, scale, slant)",
    "light": "the light (brightness, colour cast, shadow)",
    "occlusion": "the occluded part",
    "noise": "the noise of the pixels",
}.items():
    flags.DEFINE_float(
        f"synthetic_{_name}",
        0.5,
        f"With --data=synthetic: how strongly {_what} changes from image to "
        "image, 0 to 1.",
        lower_bound=0.0,
        upper_bound=1.0,
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

# Machine.
flags.DEFINE_enum(
    "strategy",
    "none",
    ["none", "mirrored", "multi_worker"],
    "none: one device. mirrored: all GPUs of this machine. multi_worker: the "
    "machines named in the environment variable TF_CONFIG, each of which runs "
    "this program with the same flags and sees the same --output_dir.",
)
flags.DEFINE_integer(
    "devices",
    None,
    "Split the CPU into this many devices, to try --strategy=mirrored on a "
    "machine without GPUs.",
    lower_bound=1,
)
flags.DEFINE_integer(
    "local_workers",
    0,
    "With --strategy=multi_worker: start this many workers on this machine, "
    "which share its CPUs, to try what several machines would do.",
    lower_bound=0,
)
flags.DEFINE_float(
    "worker_timeout",
    600.0,
    "With --strategy=multi_worker: seconds that each worker waits for the "
    "others when it starts.",
    lower_bound=1.0,
)
flags.DEFINE_bool(
    "deterministic",
    False,
    "The same weights, bit for bit, from the same --seed on the same machine "
    "and number of devices. Slower on GPUs.",
)
flags.DEFINE_enum(
    "mixed_precision",
    "none",
    ["none", "float16", "bfloat16"],
    "Compute the backbone in half precision. Heads and losses stay in float32.",
)
flags.DEFINE_bool("jit_compile", False, "Compile the training step by XLA.")

# Output and evaluation.
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
flags.DEFINE_string(
    "pairs",
    None,
    "File in LFW's pairs format, with images in --data: verify them after "
    "each epoch. With --data=synthetic other drawn identities are verified "
    "without asking.",
)
flags.DEFINE_string(
    "threshold_pairs",
    None,
    "Other pairs, in the same format, to choose the threshold on. Required "
    "where --pairs has one fold.",
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
