"""Whether `unpg train` begins, goes on, or has nothing left to do."""

import contextlib
from pathlib import Path

from unpg_tf.callbacks import OtherRunError
from unpg_tf.cli.train import machine
from unpg_tf.cli.train.flags import FLAGS

FLAGS_FILE = "flags.txt"
# What a run can't change: with another of these it is another run.
_FIXED = (
    "synthetic_identities",
    "synthetic_images",
    "batch_size",
    "identities_per_batch",
    "backbone",
    "image_size",
    "embedding_dim",
    "center_crop",
    "head",
    "optimizer",
)
# What else may be behind it where images, model or optimizer are others.
_SUSPECT = (
    "data",
    "people",
    "exclude_people",
    "min_images",
    "on_bad_image",
    "cache",
    "head_option",
    "sample_rate",
    "sharded",
    "dropout",
    "freeze",
    "gradient_checkpointing",
    "optimizer_option",
    "global_clipnorm",
    "gradient_accumulation_steps",
    "ema_momentum",
    "mixed_precision",
)


def check(checkpoints):
    """Compares what --resume says with what is in --output_dir.

    Args:
        checkpoints: `Checkpoints` of the run.

    Returns:
        Bool, whether there is anything left to do.

    Raises:
        FileExistsError: there is a run, and no --resume.
        FileNotFoundError: there is none, and --resume.
        ValueError: all epochs are done, and --resume; or a flag isn't what it
            was in that run.
    """
    checkpoint = checkpoints.latest()
    if checkpoint is None:
        if FLAGS.resume is True:
            raise FileNotFoundError(
                "Expected a checkpoint to --resume from (--resume=auto begins "
                "where there is none). Received: none in "
                f"--output_dir={FLAGS.output_dir}"
            )
        return True
    if not FLAGS.resume:
        # Another worker may come when the chief has saved already.
        if machine.is_chief():
            raise FileExistsError(
                "Expected --resume, or an --output_dir without a run in it. "
                f"Received: --output_dir={FLAGS.output_dir}"
            )
        return True
    _expect_same(_FIXED)
    path, saved = checkpoint
    epochs = saved["position"]["epoch"]
    if epochs < FLAGS.epochs or not _is_exported(path):
        return True
    if FLAGS.resume is True:
        raise ValueError(
            f"Expected --epochs above the {epochs} that are done. "
            f"Received: --epochs={FLAGS.epochs}"
        )
    return False


@contextlib.contextmanager
def explained():
    """Names the flags that may be behind it where a run is another one."""
    try:
        yield
    except OtherRunError as error:
        _expect_same([*_FIXED, *_SUSPECT], error)
        raise


def _expect_same(names, cause=None):
    path = Path(FLAGS.output_dir, FLAGS_FILE)
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, ValueError):
        return  # Moved or written by someone: nobody knows.
    before = _by_name(lines)
    now = _by_name(line for name in names for line in _lines(name))
    changed = [
        name
        for name in names
        if before.get(name) != now.get(name)
        # One that came with a later version isn't in the file.
        and (name in before or FLAGS[name].default in (None, []))
    ]
    if changed:
        raise ValueError(
            f"Expected {_shown(changed, before)}, as in {path} of the run that "
            f"is resumed. Received: {_shown(changed, now)}"
        ) from cause


def _lines(name):
    return FLAGS[name].serialize().splitlines()


def _by_name(lines):
    """Flags' lines, by name: several for one that was repeated."""
    found = {}
    for line in lines:
        name = line.removeprefix("--").partition("=")[0]
        if name.startswith("no") and name[2:] in FLAGS:
            name = name[2:]
        found.setdefault(name, []).append(line)
    return found


def _shown(names, lines):
    return " ".join(
        " ".join(lines.get(name, [f"no --{name}"])) for name in names
    )


def _is_exported(checkpoint):
    """Whether model.keras is of that checkpoint, and not of one before."""
    model, index = model_path(), Path(f"{checkpoint}.index")
    return model.exists() and model.stat().st_mtime >= index.stat().st_mtime


def model_path():
    """Where the trained model is written."""
    return Path(FLAGS.output_dir, "model.keras")
