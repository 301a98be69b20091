"""The sample shop: believable exports with a known truth, the same bytes for the same seed."""
