"""The command `unpg demo`, run from a clone."""

import sys

if __name__ == "__main__":
    sys.argv[:1] = ["unpg", "demo"]
    from unpg_tf.cli import main

    main()
