"""`unpg client`."""
