"""The command `unpg train`, run from a clone."""

import sys

if __name__ == "__main__":
    sys.argv[:1] = ["unpg", "train"]
    from unpg_tf.cli import main

    main()
