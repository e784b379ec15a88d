"""Files that are either whole or not there."""

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
