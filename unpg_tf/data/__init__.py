"""Training images: folders, records, shards, drawn ones, into tf.data."""

from unpg_tf.data.addons_images import AddonsImages
from unpg_tf.data.augmentation import Augmentation
from unpg_tf.data.factors import Factors
from unpg_tf.data.factors import conditions
from unpg_tf.data.factors import draw_conditions
from unpg_tf.data.factors import images_in_conditions
from unpg_tf.data.factors import pairs_in_conditions
from unpg_tf.data.folder import ImageFolder
from unpg_tf.data.folder import read_folder
from unpg_tf.data.images import decode_image
from unpg_tf.data.images import resize
from unpg_tf.data.insightface import InsightFaceRecords
from unpg_tf.data.loading import SkippedImages
from unpg_tf.data.loading import bad_image_message
from unpg_tf.data.opening import TrainingImages
from unpg_tf.data.opening import open_images
from unpg_tf.data.orders import Balanced
from unpg_tf.data.people import read_names
from unpg_tf.data.people import read_people
from unpg_tf.data.pipeline import load_images
from unpg_tf.data.pipeline import load_readable
from unpg_tf.data.pipeline import training_batches
from unpg_tf.data.recordio import RecordFile
from unpg_tf.data.recordio import read_index
from unpg_tf.data.shard_writer import write_shards
from unpg_tf.data.shards import ImageShards
from unpg_tf.data.sources import EncodedImages
from unpg_tf.data.sources import Source
from unpg_tf.data.synthetic import Strengths
from unpg_tf.data.synthetic import draw
from unpg_tf.data.synthetic import labelled_images
from unpg_tf.data.synthetic import verification_pairs
from unpg_tf.data.tfds import TFDSImages

__all__ = [
    "AddonsImages",
    "Augmentation",
    "Balanced",
    "EncodedImages",
    "Factors",
    "ImageFolder",
    "ImageShards",
    "InsightFaceRecords",
    "RecordFile",
    "SkippedImages",
    "Source",
    "Strengths",
    "TFDSImages",
    "TrainingImages",
    "bad_image_message",
    "conditions",
    "decode_image",
    "draw",
    "draw_conditions",
    "images_in_conditions",
    "labelled_images",
    "load_images",
    "load_readable",
    "open_images",
    "pairs_in_conditions",
    "read_folder",
    "read_index",
    "read_names",
    "read_people",
    "resize",
    "training_batches",
    "verification_pairs",
    "write_shards",
]
