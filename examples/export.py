"""The command `unpg export`, run from a clone."""

import sys

if __name__ == "__main__":
    sys.argv[:1] = ["unpg", "export"]
    from unpg_tf.cli import main

    main()
