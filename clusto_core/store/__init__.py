"""Where the inventory is kept: the schema, the way into a database, reading, and the unit of work."""
