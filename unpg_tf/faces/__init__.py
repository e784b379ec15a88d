"""Faces: found in photos and cut out, aligned as training images are."""

from unpg_tf.faces.aligner import Aligned
from unpg_tf.faces.aligner import AlignedFace
from unpg_tf.faces.aligner import Aligner
from unpg_tf.faces.alignment import TEMPLATE
from unpg_tf.faces.alignment import align_image
from unpg_tf.faces.alignment import alignments
from unpg_tf.faces.crops import crop_face
from unpg_tf.faces.detection import Faces
from unpg_tf.faces.detectors import load_detector
from unpg_tf.faces.folders import Settings
from unpg_tf.faces.folders import align_folder
from unpg_tf.faces.folders import aligned_files
from unpg_tf.faces.listing import Photos
from unpg_tf.faces.listing import list_photos
from unpg_tf.faces.mtcnn_detector import MTCNNDetector
from unpg_tf.faces.photos import read_photo
from unpg_tf.faces.records import Record
from unpg_tf.faces.sheet import write_sheet
from unpg_tf.faces.yunet_detector import YuNetDetector

__all__ = [
    "TEMPLATE",
    "Aligned",
    "AlignedFace",
    "Aligner",
    "Faces",
    "MTCNNDetector",
    "Photos",
    "Record",
    "Settings",
    "YuNetDetector",
    "align_folder",
    "align_image",
    "aligned_files",
    "alignments",
    "crop_face",
    "list_photos",
    "load_detector",
    "read_photo",
    "write_sheet",
]
