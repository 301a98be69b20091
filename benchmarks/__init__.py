"""Performance claims as ratios: against what a user would otherwise do, and against the bare limit."""
