"""The condition language: rule files → checked typed tree → one set-based query → tag changes."""
