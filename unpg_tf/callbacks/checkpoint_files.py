"""The files of a checkpoint, and how a whole one is known."""

import hashlib
import json
import shutil
from pathlib import Path

from unpg_tf.files import replaced


def last_checkpoint(directory):
    """Finds the newest checkpoint that is whole.

    Args:
        directory: path, where `Checkpoints` has saved.

    Returns:
        A tuple of its path, a string, and of the dict with the "run" and the
        "position" that were saved beside it; None where there is none.

    Example:

    >>> found = unpg_tf.callbacks.last_checkpoint("runs/a/checkpoints")
    >>> if found is not None:
    ...     path, saved = found
    ...     print(saved["position"]["epoch"], "epochs are done")
    """
    parts = Path(directory).glob("ckpt-*.index")
    for part in sorted(parts, key=_number, reverse=True):
        seal = part.with_suffix(".json")
        try:
            saved = json.loads(seal.read_text())
            whole = saved.pop("checksums") == _checksums(seal, saved)
        except (AttributeError, KeyError, OSError, TypeError, ValueError):
            whole = False
        if whole:
            return str(part.with_suffix("")), saved
        print(f"{part.with_suffix('')}: not whole, passed over", flush=True)
    return None


def seal(path, contents):
    """Writes the file that marks a checkpoint as whole; drops old ones.

    Args:
        path: string, of the checkpoint, as TensorFlow returns it.
        contents: dict of JSON values, for `last_checkpoint` to return.
    """
    path = Path(path)
    file = path.with_name(path.name + ".json")
    contents = {**contents, "checksums": _checksums(file, contents)}
    with replaced(file) as temporary:
        temporary.write_text(json.dumps(contents))
    for other in path.parent.glob("ckpt-*.json"):
        if not other.with_suffix(".index").exists():
            other.unlink()


def remove(directory, number):
    """Removes what a failed save of that number has left."""
    for path in Path(directory).glob(f"ckpt-{number}.*"):
        path.unlink()
    remove_unfinished(directory)


def remove_unfinished(directory):
    """Removes the folders of saves that were cut short."""
    for folder in Path(directory).glob("ckpt-*_temp"):
        shutil.rmtree(folder, ignore_errors=True)


def _number(path):
    return int(path.stem.partition("-")[2])


def _checksums(file, contents):
    own = hashlib.sha256(json.dumps(contents).encode()).hexdigest()
    parts = sorted(file.parent.glob(f"{file.stem}.*"))
    others = {
        part.name: _checksum(part)
        for part in parts
        if part.suffix != file.suffix
    }
    return {file.name: own, **others}


def _checksum(path):
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()
