"""The command `unpg convert`, run from a clone."""

import sys

if __name__ == "__main__":
    sys.argv[:1] = ["unpg", "convert"]
    from unpg_tf.cli import main

    main()
