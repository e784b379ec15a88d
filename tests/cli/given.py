"""Flags of a program, set for a while."""

import contextlib

from absl.testing import flagsaver


@contextlib.contextmanager
def given(flag_values, **values):
    """Sets flags of an `absl.flags.FlagValues` within the block."""
    saved = flagsaver.save_flag_values(flag_values)
    flag_values.mark_as_parsed()
    try:
        for name, value in values.items():
            setattr(flag_values, name, value)
        yield
    finally:
        flagsaver.restore_flag_values(saved, flag_values)
