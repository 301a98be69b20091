"""The workspace's state: one DuckDB file, opened late, changed in one transaction, closed at once."""
