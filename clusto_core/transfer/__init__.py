"""Import and export: what a file says of Things, and how it gets into the inventory and out of it."""
