"""`unpg train`."""
