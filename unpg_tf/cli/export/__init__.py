"""`unpg export`."""
