"""Where the indices of folders and record files are kept."""

import hashlib
import os
from pathlib import Path

VARIABLE = "UNPG_TF_CACHE"


def index_path(data):
    """The file that keeps the index of a data set.

    It is `DATA.index` beside the data where there is one already: an empty
    file that somebody puts there, for all who share the data, is filled. Else
    it lies in the user's cache folder: the environment variable
    `UNPG_TF_CACHE` names it; without one it is `$XDG_CACHE_HOME/unpg_tf`, or
    `~/.cache/unpg_tf`.

    Args:
        data: path of a folder or a file.

    Returns:
        `pathlib.Path`.
    """
    # Of "." too it is beside the folder, whose time it would change within.
    data = Path(os.path.realpath(data))
    beside = data.with_name(f"{data.name}.index")
    if beside.is_file():
        return beside
    digest = hashlib.sha256(os.fsencode(data)).hexdigest()
    return _folder() / f"{data.name[:64]}-{digest[:16]}.index"


def _folder():
    if named := os.environ.get(VARIABLE):
        return Path(named)
    home = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
    return Path(home, "unpg_tf")
