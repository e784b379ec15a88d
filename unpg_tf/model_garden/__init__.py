"""Training by the TensorFlow Model Garden: `unpg_face_recognition`.

Importing it registers the experiment, and needs tf-models-official
(`pip install "unpg-tf[models]"`) and Keras 2. `import unpg_tf` doesn't.
"""

from unpg_tf import compat

if compat.IS_KERAS_3:
    raise ImportError(
        "Expected Keras 2 for the Model Garden: set TF_USE_LEGACY_KERAS=1. "
        "Received: Keras 3"
    )
try:
    import official.core  # noqa: F401
except ImportError as error:
    raise ImportError(
        'Expected tf-models-official: pip install "unpg-tf[models]". '
        f"Received: {error}"
    ) from error

from unpg_tf.model_garden.configs import FaceRecognition  # noqa: E402
from unpg_tf.model_garden.configs import unpg_face_recognition  # noqa: E402
from unpg_tf.model_garden.task import FaceRecognitionTask  # noqa: E402

__all__ = ["FaceRecognition", "FaceRecognitionTask", "unpg_face_recognition"]
