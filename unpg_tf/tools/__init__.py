"""Programs that come with the package: `python -m unpg_tf.tools.NAME`."""
