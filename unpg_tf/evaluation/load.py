"""Models from files, of either kind."""

import zipfile
import zlib
from pathlib import Path

from tensorflow import keras

from unpg_tf import compat
from unpg_tf import json_files
from unpg_tf.evaluation.served_model import ServedModel


def load_model(path):
    """Loads a model that maps images to embeddings.

    Args:
        path: a Keras model's file, or the folder of a SavedModel with a
            signature as `ServedModel` expects.

    Returns:
        A Keras model or a `ServedModel`.

    Raises:
        FileNotFoundError: there is neither at `path`.
        ValueError: what is there can't be loaded, or has another signature.
    """
    path = Path(path)
    if (path / "saved_model.pb").is_file():
        return ServedModel(path)
    if not path.is_file():
        raise FileNotFoundError(
            "Expected a .keras file or a folder with a saved_model.pb. "
            f"Received: {path}"
        )
    return load_keras_file(path)


def load_keras_file(path):
    """Loads a Keras model, from a file that holds no code.

    Keras refuses Python code in a .keras file. In HDF5, also under another
    name, Keras 2 runs it.

    Args:
        path: a .keras file.

    Returns:
        A Keras model.

    Raises:
        FileNotFoundError: there is no file at `path`.
        ValueError: the file is of another kind, or can't be loaded.
    """
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(f"Expected a .keras file. Received: {path}")
    # Nothing, unless it may not be read, of which `is_zipfile` is silent.
    path.open("rb").close()
    if path.suffix != ".keras" or not zipfile.is_zipfile(path):
        raise ValueError(
            f"Expected a .keras file. Received: {path}, which is no .keras file"
        )
    _check_whole(path)
    try:
        return keras.models.load_model(path, compile=False)
    except (
        AttributeError,
        KeyError,
        OSError,
        RuntimeError,
        TypeError,
        ValueError,
    ) as error:
        # Keras puts whole configurations into its messages.
        reason = str(error).strip().partition("\n")[0][:160]
        generation = 3 if compat.IS_KERAS_3 else 2
        raise ValueError(
            f"Expected a model that Keras {generation} can load. Received: "
            f"{path}, {_origin(path)}: {reason}"
        ) from error


def _check_whole(path):
    """Raises a ValueError where a part of the archive is damaged."""
    try:
        with zipfile.ZipFile(path) as archive:
            damaged = archive.testzip()
    except (
        EOFError,
        OSError,
        RuntimeError,
        ValueError,
        zipfile.BadZipFile,
        zlib.error,
    ) as error:
        damaged = str(error)
    if damaged is not None:
        raise ValueError(
            f"Expected a whole .keras file. Received: {path}, damaged: "
            f"{damaged}"
        )


def training_of(path):
    """Tells what a model was trained with.

    Args:
        path: as in `load_model`.

    Returns:
        A string such as "CosFace, UNPGLoss"; empty where the file doesn't
        tell, as a SavedModel doesn't.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            config = json_files.parsed_object(archive.read("config.json"), path)
    except (KeyError, OSError, ValueError, zipfile.BadZipFile):
        return ""
    parts = (
        config.get("config", {}).get("head"),
        (config.get("compile_config") or {}).get("loss"),
    )
    names = [part["class_name"] for part in parts if isinstance(part, dict)]
    return ", ".join(names)


def _origin(path):
    """Which Keras saved a file."""
    try:
        with zipfile.ZipFile(path) as archive:
            metadata = json_files.parsed_object(
                archive.read("metadata.json"), path
            )
        return f"saved by Keras {metadata['keras_version']}"
    except (KeyError, ValueError, zipfile.BadZipFile):
        return "which is no whole .keras file"
