"""RackTables: its tables, from a dump or from the database, and what they become."""
