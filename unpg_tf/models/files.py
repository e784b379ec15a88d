"""A model as a .keras file that is whole or not there."""

import os
from pathlib import Path


def save(model, path):
    """Writes it, in the place of an earlier one.

    Args:
        model: a Keras model.
        path: path that ends in .keras.

    Raises:
        OSError: there is no room; the earlier file is as it was.
    """
    # Keras goes by the suffix. What a kill leaves the next to save replaces.
    temporary = Path(path).with_name("unfinished.keras")
    try:
        model.save(temporary)
        os.replace(temporary, path)
    except OSError as error:
        temporary.unlink(missing_ok=True)
        raise OSError(
            f"Expected room for {path}: make some, and go on from the last "
            f"checkpoint. Received: {error}"
        ) from error
