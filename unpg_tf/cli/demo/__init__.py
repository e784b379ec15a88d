"""`unpg demo`."""
