"""The command `unpg align`, run from a clone."""

import sys

if __name__ == "__main__":
    sys.argv[:1] = ["unpg", "align"]
    from unpg_tf.cli import main

    main()
