"""`python -m unpg_tf`, the same as the command `unpg`."""

from unpg_tf.cli import main

if __name__ == "__main__":
    main()
