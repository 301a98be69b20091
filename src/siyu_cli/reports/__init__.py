"""What the boss reads: defined metrics in workbooks with charts."""
