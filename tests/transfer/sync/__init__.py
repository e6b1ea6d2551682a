"""Being in step with a source."""
