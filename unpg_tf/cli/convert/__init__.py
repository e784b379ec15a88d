"""`unpg convert`."""
