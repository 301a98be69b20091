"""The sample shop: a seeded generator whose truth is known."""
