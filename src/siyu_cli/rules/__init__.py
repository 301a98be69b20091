"""The condition language: load, check, compile, plan and apply tags."""
