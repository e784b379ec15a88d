"""Files that are either whole or not there, and the newest of several."""

import contextlib
import os
from pathlib import Path


@contextlib.contextmanager
def replaced(path):
    """Gives a temporary path beside a file, which then takes its place.

    Missing folders are made. The file itself stays as it was where the block
    fails.

    Args:
        path: the file to write or to replace.

    Yields:
        The temporary path, to write to within the block.

    Example:
        >>> with replaced("runs/report.json") as temporary:
        ...     temporary.write_text("{}")
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        yield temporary
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


def saved_model_folder(path, version=None):
    """The folder of a SavedModel, which may be a version of a model.

    Args:
        path: a SavedModel's folder, or one that holds versions as a model
            server takes them: folders whose names are numbers.
        version: integer, which of these; None for the highest.

    Returns:
        `pathlib.Path`; that of `path` itself where it holds neither.

    Example:
        >>> saved_model_folder("saved_models/faces")
        PosixPath('saved_models/faces/12')
    """
    path = Path(path)
    if (path / "saved_model.pb").is_file() or not path.is_dir():
        return path
    versions = {
        int(folder.name): folder
        for folder in path.iterdir()
        if folder.name.isascii()
        and folder.name.isdecimal()
        and (folder / "saved_model.pb").is_file()
    }
    wanted = max(versions, default=None) if version is None else version
    return versions.get(wanted, path)
