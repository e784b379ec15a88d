"""`unpg import-weights`."""
