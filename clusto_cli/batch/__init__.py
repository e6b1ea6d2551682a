"""Many command lines of clusto, done as one change."""
