"""The command `unpg`: a program for each step from images to a service.

Each program is a folder of two parts: `flags`, which TensorFlow isn't needed
for, and `program`. So `--help` and wrong flags are answered at once.
"""

from unpg_tf.cli.main import main

__all__ = ["main"]
