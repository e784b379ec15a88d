"""Training images: from folders, from drawn identities, into tf.data."""

from unpg_tf.data.augmentation import Augmentation
from unpg_tf.data.folder import ImageFolder
from unpg_tf.data.folder import read_folder
from unpg_tf.data.images import decode_image
from unpg_tf.data.images import resize
from unpg_tf.data.insightface import InsightFaceRecords
from unpg_tf.data.people import read_people
from unpg_tf.data.pipeline import load_images
from unpg_tf.data.pipeline import training_batches
from unpg_tf.data.recordio import RecordFile
from unpg_tf.data.recordio import read_index
from unpg_tf.data.synthetic import Strengths
from unpg_tf.data.synthetic import draw
from unpg_tf.data.synthetic import labelled_images
from unpg_tf.data.synthetic import verification_pairs

__all__ = [
    "Augmentation",
    "ImageFolder",
    "InsightFaceRecords",
    "RecordFile",
    "Strengths",
    "decode_image",
    "draw",
    "labelled_images",
    "load_images",
    "read_folder",
    "read_index",
    "read_people",
    "resize",
    "training_batches",
    "verification_pairs",
]
