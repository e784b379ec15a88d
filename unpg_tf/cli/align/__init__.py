"""`unpg align`."""
