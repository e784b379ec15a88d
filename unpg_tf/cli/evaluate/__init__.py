"""`unpg evaluate`."""
