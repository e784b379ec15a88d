"""`unpg export-weights`."""
