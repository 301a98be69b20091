"""Who is told what: push lists from tags and segments."""
